import { tagMap } from '../../aws/tags.ts';
import { type Properties, valueAt } from './patch.ts';

/** Reads tags in the type's form: a list of keys and values, or an object. */
export function tagsOf(properties: Properties, pointer: string | null): Record<string, string> {
  const tags = pointer === null ? undefined : valueAt(properties, pointer);
  if (Array.isArray(tags)) {
    return tagMap(
      tags.flatMap((tag) => {
        if (typeof tag !== 'object' || tag === null || Array.isArray(tag)) return [];
        const { Key, Value } = tag;
        return typeof Key === 'string' && typeof Value === 'string' ? [{ Key, Value }] : [];
      }),
    );
  }
  if (typeof tags !== 'object' || tags === null) return {};
  return Object.fromEntries(
    Object.entries(tags).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
  );
}
