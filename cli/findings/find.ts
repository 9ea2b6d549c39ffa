import { z } from 'zod';
import type { Finding } from '../../lambdas/model/finding.ts';
import {
  CHANGED,
  type ChangedItem,
  changedItemSchema,
  changedKey,
  type FindingItem,
  findingItemKey,
  findingItemSchema,
  parseItem,
} from '../../lambdas/model/table-items.ts';
import type { Opened } from '../deployed/index.ts';
import { knownAccounts } from './places.ts';
import type { Subject } from './subject.ts';

/** The fields that identify a finding. */
export type FindingName = Pick<Finding, 'rule' | 'account' | 'region' | 'resource'>;

/** Items of the findings table about a resource. */
export interface Known {
  readonly findings: readonly FindingItem[];
  /** Recent changes by any rule, by place. */
  readonly changed: readonly ChangedItem[];
  /** The accounts that were searched. */
  readonly accounts: readonly string[];
}

const anySchema = z.looseObject({ pk: z.string(), sk: z.string() });

/** Finds everything that the deployment knows about a resource, in any place. */
export async function findKnown(opened: Opened, subject: Subject): Promise<Known> {
  const { resource, rules, region } = subject;
  const { deployment, table } = opened;
  const accounts = subject.account === undefined ? await knownAccounts(opened) : [subject.account];
  const regions = region === undefined ? [...deployment.regions, 'global'] : [region];
  const keys = accounts.flatMap((account) =>
    regions.flatMap((place) => [
      changedKey({ account, region: place, resource }),
      ...rules.map((rule) => findingItemKey({ rule, account, region: place, resource })),
    ]),
  );
  const items = await table.read(anySchema, keys);
  return {
    findings: items.filter(({ sk }) => sk !== CHANGED).map((item) => parseItem(findingItemSchema, item)),
    changed: items.filter(({ sk }) => sk === CHANGED).map((item) => parseItem(changedItemSchema, item)),
    accounts,
  };
}
