import { z } from 'zod';

/** The part of a resource type's published schema that this project uses. */
export const schemaSchema = z.looseObject({
  typeName: z.string(),
  properties: z.record(z.string(), z.unknown()),
  definitions: z.record(z.string(), z.unknown()).default({}),
  primaryIdentifier: z.array(z.string()).default([]),
  createOnlyProperties: z.array(z.string()).default([]),
  conditionalCreateOnlyProperties: z.array(z.string()).default([]),
  readOnlyProperties: z.array(z.string()).default([]),
  writeOnlyProperties: z.array(z.string()).default([]),
  handlers: z.record(z.string(), z.looseObject({ permissions: z.array(z.string()).default([]) })).default({}),
  tagging: z.looseObject({ taggable: z.boolean().optional(), tagProperty: z.string().optional() }).optional(),
});
export type Schema = z.infer<typeof schemaSchema>;

const nodeSchema = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  oneOf: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  allOf: z.array(z.unknown()).optional(),
});
type Node = z.infer<typeof nodeSchema>;

/** The kind of a property's value. `pairs`: a list of key-value pairs, which pointers cannot address. */
export type Kind = 'boolean' | 'string' | 'number' | 'object' | 'list' | 'pairs' | 'any';

/** The maximum depth of pointers, because schemas nest, and some are recursive. */
const DEPTH = 5;

/** Converts `/properties/A/B` to `/A/B`. */
export const pointerOf = (path: string): string => path.replace(/^\/properties/, '');

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/** Lists the pointers of a type's properties with the kinds of their values, in order. Items of lists have no pointers. */
export function pointersOf(schema: Schema): ReadonlyMap<string, Kind> {
  const found = new Map<string, Kind>();
  walk({ properties: schema.properties }, '', []);
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));

  function resolve(node: unknown, refs: readonly string[]): { node: Node; refs: readonly string[] } {
    const parsed = nodeSchema.safeParse(node);
    if (!parsed.success) return { node: {}, refs };
    const { $ref } = parsed.data;
    if ($ref === undefined) return { node: parsed.data, refs };
    const name = /^#\/definitions\/(.+)$/.exec($ref)?.[1];
    if (name === undefined || refs.includes(name)) return { node: {}, refs };
    return resolve(schema.definitions[name], [...refs, name]);
  }

  /** The properties of the node, and those of its alternatives. */
  function propertiesOf(node: Node, refs: readonly string[]): Map<string, unknown> {
    const own = new Map(Object.entries(node.properties ?? {}));
    for (const each of [...(node.oneOf ?? []), ...(node.anyOf ?? []), ...(node.allOf ?? [])]) {
      const alternative = resolve(each, refs);
      for (const [name, value] of propertiesOf(alternative.node, alternative.refs)) {
        if (!own.has(name)) own.set(name, value);
      }
    }
    return own;
  }

  function walk(given: unknown, at: string, before: readonly string[]): void {
    const { node, refs } = resolve(given, before);
    const properties = propertiesOf(node, refs);
    if (at !== '') found.set(at, kindOf(node, properties, refs));
    if (at.split('/').length > DEPTH) return;
    for (const [name, value] of properties) walk(value, `${at}/${escaped(name)}`, refs);
  }

  function kindOf(node: Node, properties: ReadonlyMap<string, unknown>, refs: readonly string[]): Kind {
    if (properties.size > 0) return 'object';
    const types = [node.type ?? []].flat();
    if (types.includes('array') || node.items !== undefined) {
      const item = resolve(node.items, refs);
      const names = [...propertiesOf(item.node, item.refs).keys()].map((name) => name.toLowerCase());
      const isPair = names.includes('value') && names.some((name) => ['key', 'name'].includes(name));
      return isPair ? 'pairs' : 'list';
    }
    if (types.length > 1) return 'any';
    const [type] = types;
    if (type === 'boolean' || type === 'string' || type === 'object') return type;
    return type === 'integer' || type === 'number' ? 'number' : 'any';
  }
}
