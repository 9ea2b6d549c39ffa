import { z } from 'zod';
import { isOver } from '../../lambdas/model/exemption-tag.ts';
import {
  ALL,
  type HoldItem,
  type HoldName,
  holdItemSchema,
  holdKey,
  LISTED_HOLDS,
  listedHoldSchema,
} from '../../lambdas/model/operator-items.ts';
import { keyText, type Table } from './table.ts';

/** A hold, and what it applies to. */
export interface Hold {
  readonly name: HoldName;
  /** Undefined if the item cannot be parsed; nothing that it names is changed then. */
  readonly says: HoldItem | undefined;
}

const keySchema = z.looseObject({ pk: z.string(), sk: z.string() });

/** Reads the holds with the given names that exist and have not ended. */
export async function readHolds(table: Table, names: readonly HoldName[], now: Date): Promise<Hold[]> {
  const byKey = new Map(names.map((name) => [holdText(name), name]));
  const items = await table.read(keySchema, names.map(holdKey));
  return items.flatMap((item): Hold[] => {
    const name = byKey.get(keyText(item));
    const says = holdItemSchema.safeParse(item).data;
    if (name === undefined || (says?.until !== undefined && isOver(says.until, now))) return [];
    return [{ name, says }];
  });
}

/** Lists the holds that the command line has written. */
export async function listHolds(table: Table, now: Date): Promise<Hold[]> {
  return readHolds(table, await listedNames(table), now);
}

/** Places and resources that may be held. */
export interface HoldPlaces {
  readonly accounts: readonly string[];
  readonly regions: readonly string[];
  readonly rules: readonly string[];
  /** Names of possible holds on resources: those of findings, and those that would be changed for them. */
  readonly resources: readonly HoldName[];
}

/**
 * Finds all holds that may apply, regardless of who wrote them: those that are listed, and those on known accounts, their
 * regions, and resources. The table cannot be searched, so unlisted holds on anything else are not found.
 */
export async function findHolds(table: Table, places: HoldPlaces, now: Date): Promise<Hold[]> {
  const { accounts, regions, rules, resources } = places;
  const whole = accounts.flatMap((account) =>
    [ALL, 'global', ...regions].flatMap((region) =>
      [ALL, ...rules].map((rule) => ({ account, region, resource: ALL, rule })),
    ),
  );
  const [listed, known] = await Promise.all([
    listHolds(table, now),
    readHolds(table, [...whole, ...resources], now),
  ]);
  return [...new Map([...listed, ...known].map((hold) => [holdText(hold.name), hold])).values()];
}

/** Returns a text that identifies a hold. */
export function holdText(name: HoldName): string {
  return keyText(holdKey(name));
}

async function listedNames(table: Table): Promise<HoldName[]> {
  const listed = await table.partition(LISTED_HOLDS);
  return listed.map((item) => {
    const { version: _, ...name } = listedHoldSchema.parse(item);
    return name;
  });
}

/** Describes a hold: `sg-0123 in 222222222222 eu-central-1, for all rules`. */
export function describeHold(name: HoldName): string {
  return `${describeHeld(name)}, for ${rulesOf(name)}`;
}

/** Says that something is held: `sg-0123 in 222222222222 eu-central-1 is held for all rules`. */
export function sayHeld(name: HoldName): string {
  return `${describeHeld(name)} is held for ${rulesOf(name)}`;
}

function describeHeld({ account, region, resource }: HoldName): string {
  const what = resource === ALL ? 'everything' : resource;
  return `${what} in ${region === ALL ? account : `${account} ${region}`}`;
}

function rulesOf({ rule }: HoldName): string {
  return rule === ALL ? 'all rules' : rule;
}
