import {
  type HoldItem,
  type HoldName,
  holdItemSchema,
  holdKey,
  listedHoldKey,
} from '../../lambdas/model/operator-items.ts';
import type { Table } from './table.ts';

/** Writes a hold. It is listed first, so that every hold in effect is in the list. */
export async function putHold(table: Table, name: HoldName, hold: Omit<HoldItem, 'version'>): Promise<void> {
  await table.put({ ...listedHoldKey(name), version: 1, ...name });
  await table.put({ ...holdKey(name), ...holdItemSchema.parse({ version: 1, ...hold }) });
}

/** Removes a hold. @returns whether there was one */
export async function removeHold(table: Table, name: HoldName): Promise<boolean> {
  const wasThere = await table.remove(holdKey(name));
  await table.remove(listedHoldKey(name));
  return wasThere;
}
