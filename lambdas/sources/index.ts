import { z } from 'zod';
import type { Source } from '../model/job.ts';
import { createNetskopeSource } from './netskope/create-source.ts';
import { netskopeVariables } from './netskope/environment.ts';
import { netskopeRegionLabels } from './netskope/region-labels.ts';
import { netskopeRuleNames } from './netskope/rule-names.ts';
import type { FindingSource, SourceContext } from './source.ts';

/** Names of each rule by source and rule id, every spelling that is known. */
export const ruleNames: Readonly<Record<Source, Readonly<Record<string, readonly string[]>>>> = {
  netskope: netskopeRuleNames,
};

/** Labels that each source uses for regions, with the regions' codes. AWS's own names and codes need none. */
export const regionLabels: Readonly<Record<Source, Readonly<Record<string, string>>>> = {
  netskope: netskopeRegionLabels,
};

/** Variables of the collector's environment that sources need. */
export const sourceEnvironmentSchema = z.object({ ...netskopeVariables });

/** Makes every source. None asks for anything before its first poll. */
export function createSources(
  environment: z.infer<typeof sourceEnvironmentSchema>,
  context: SourceContext,
): Readonly<Record<Source, FindingSource>> {
  return { netskope: createNetskopeSource(environment, context) };
}
