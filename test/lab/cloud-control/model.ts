import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import { z } from 'zod';

/** A resource's properties, with the names of its type's schema. */
export type Properties = Record<string, unknown>;

const schemaSchema = z.looseObject({
  typeName: z.string(),
  createOnlyProperties: z.array(z.string()).default([]),
  readOnlyProperties: z.array(z.string()).default([]),
  writeOnlyProperties: z.array(z.string()).default([]),
  handlers: z.looseObject({ read: z.looseObject({ permissions: z.array(z.string()) }) }),
});

/** A type's published schema, against which AWS checks the whole resource at each update. */
export interface TypeSchema {
  /** Pointers to properties that only a creation sets. */
  readonly createOnly: readonly string[];
  readonly readOnly: readonly string[];
  /** Actions that the type's read handler requires of its caller. */
  readonly readActions: readonly string[];
  /** Describes what is wrong with a model; undefined if nothing is. */
  problemOf(model: Properties): string | undefined;
}

const known = new Map<string, TypeSchema>();
const pointerOf = (text: string): string => text.replace(/^\/properties/, '');

/** The schema of a simulated type. @throws Error if there is none */
export function schemaOf(type: string): TypeSchema {
  const cached = known.get(type);
  if (cached !== undefined) return cached;
  const file = path.join(import.meta.dirname, 'schemas', `${type.replaceAll('::', '-')}.json`);
  const schema = schemaSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false, logger: false });
  const validate = ajv.compile(schema);
  const made: TypeSchema = {
    createOnly: schema.createOnlyProperties.map(pointerOf),
    readOnly: schema.readOnlyProperties.map(pointerOf),
    readActions: schema.handlers.read.permissions,
    problemOf: (model) =>
      validate(model)
        ? undefined
        : `Model validation failed (${(validate.errors ?? []).map(({ instancePath, message }) => `#${instancePath}: ${message ?? ''}`).join('; ')})`,
  };
  known.set(type, made);
  return made;
}
