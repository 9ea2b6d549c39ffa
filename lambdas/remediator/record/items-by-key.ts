import { z } from 'zod';
import type { ItemKey } from '../../model/table-items.ts';

const keySchema = z.looseObject({ pk: z.string(), sk: z.string() });

/** Items of the table as they were read, by their keys. */
export class ItemsByKey {
  readonly #items: ReadonlyMap<string, unknown>;

  constructor(items: readonly unknown[]) {
    this.#items = new Map(items.map((item) => [textOf(keySchema.parse(item)), item]));
  }

  /** Returns the item with a key; undefined if there is none. */
  at(key: ItemKey): unknown {
    return this.#items.get(textOf(key));
  }

  /** Returns the existing items with these keys. */
  all(keys: readonly ItemKey[]): unknown[] {
    return keys.map((key) => this.at(key)).filter((item) => item !== undefined);
  }
}

function textOf({ pk, sk }: ItemKey): string {
  return JSON.stringify([pk, sk]);
}
