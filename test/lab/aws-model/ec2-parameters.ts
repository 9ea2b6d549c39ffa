import { z } from 'zod';
import { AwsModelError } from './operation.ts';
import type { Tags } from './state.ts';

const filtersSchema = z.looseObject({
  Filters: z.array(z.object({ Name: z.string(), Values: z.array(z.string()) })).optional(),
});

/** The values of the only filter in a call, or of the parameter with ids. */
export function filterValues(input: unknown, filter: string, parameter?: string): readonly string[] {
  const { Filters = [], ...parameters } = filtersSchema.parse(input);
  const ids = parameter === undefined ? undefined : parameters[parameter];
  if (ids !== undefined) return z.array(z.string()).parse(ids);
  const [only, another] = Filters;
  if (only === undefined || another !== undefined || only.Name !== filter) {
    throw new AwsModelError(
      'ModelLimit',
      `the model only supports the filter ${filter}, got ${JSON.stringify(Filters)}`,
    );
  }
  return only.Values;
}

export function sdkTags(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

export function tagsOf(tags: readonly { Key: string; Value: string }[]): Tags {
  return Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));
}
