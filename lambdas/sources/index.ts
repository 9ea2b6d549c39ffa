import { z } from 'zod';
import type { Source } from '../model/job.ts';
import { createNetskopeSource } from './netskope/create-source.ts';
import { netskopeVariables } from './netskope/environment.ts';
import { netskopeRegionLabels } from './netskope/region-labels.ts';
import { netskopeRuleNames } from './netskope/rule-names.ts';
import type { FindingSource, SourceContext } from './source.ts';

/** The names of each rule by source and rule id, in all known spellings. */
export const ruleNames: Readonly<Record<Source, Readonly<Record<string, readonly string[]>>>> = {
  netskope: netskopeRuleNames,
};

/** Each source's labels for regions, with the region codes. AWS's own names and codes need no entry. */
export const regionLabels: Readonly<Record<Source, Readonly<Record<string, string>>>> = {
  netskope: netskopeRegionLabels,
};

/** The environment variables of the collector that sources need. */
export const sourceEnvironmentSchema = z.object({ ...netskopeVariables });

/** Creates all sources. They send no requests before the first poll. */
export function createSources(
  environment: z.infer<typeof sourceEnvironmentSchema>,
  context: SourceContext,
): Readonly<Record<Source, FindingSource>> {
  return { netskope: createNetskopeSource(environment, context) };
}
