import { z } from 'zod';

/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export const jsonSchema: z.ZodType<Json> = z.json();

/** Creates the schema of a text that contains JSON, which another schema describes. */
export function jsonText<T>(schema: z.ZodType<T>) {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: 'custom', message: `expected JSON, got ${text.slice(0, 100)}` });
        return z.NEVER;
      }
    })
    .pipe(schema);
}
