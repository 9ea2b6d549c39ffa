import { isDeepStrictEqual } from 'node:util';
import { createPatch, Pointer } from 'rfc6902';
import { z } from 'zod';
import { type Json, jsonSchema } from '../../model/json.ts';
import type { PatchOperation, PropertyChange } from './schema.ts';

/** A resource's properties as Cloud Control returns them. */
export type Properties = { [key: string]: Json };

const valueSchema = jsonSchema.optional();

/** Returns the value at a pointer; undefined if it does not exist. */
export function valueAt(properties: Properties, pointer: string): Json | undefined {
  return valueSchema.parse(Pointer.fromJSON(pointer).get(properties));
}

/** Checks whether a property has a value; undefined means that the property does not exist. */
export function hasValue(properties: Properties, pointer: string, value: Json | undefined): boolean {
  return isDeepStrictEqual(valueAt(properties, pointer), value);
}

/** Sets a property, and creates parent objects that are missing or null. */
function setValue(properties: Properties, pointer: string, value: Json): void {
  const { tokens } = Pointer.fromJSON(pointer);
  for (let depth = 2; depth < tokens.length; depth += 1) {
    const around = new Pointer(tokens.slice(0, depth));
    if ((valueSchema.parse(around.get(properties)) ?? null) === null) around.set(properties, {});
  }
  Pointer.fromJSON(pointer).set(properties, value);
}

const operationsSchema = z.array(
  z.union([
    z.object({ op: z.enum(['add', 'replace']), path: z.string(), value: jsonSchema }),
    z.object({ op: z.literal('remove'), path: z.string() }),
  ]),
);

/**
 * Creates the patch that sets properties to their new values (RFC 6902). It begins with tests of the state that it
 * depends on: the replaced values, and the identity of the resource.
 * @param identifier The pointers of the type's primary identifier that are part of the properties.
 */
export function patchOf(
  properties: Properties,
  changes: readonly Pick<PropertyChange, 'pointer' | 'after'>[],
  identifier: readonly string[] = [],
): PatchOperation[] {
  const wanted = structuredClone(properties);
  for (const { pointer, after } of changes) setValue(wanted, pointer, after);
  const operations = operationsSchema.parse(createPatch(properties, wanted));
  const tested = [...new Set([...identifier, ...changes.map(({ pointer }) => pointer)])];
  const tests = tested.flatMap((path): PatchOperation[] => {
    const value = valueAt(properties, path);
    return value === undefined ? [] : [{ op: 'test', path, value }];
  });
  return [...tests, ...operations];
}
