import type { AwsCall } from '../aws-proxy/index.ts';
import { cloudControlCalls } from '../cloud-control/calls.ts';
import { type LabRule, labRules } from '../rules/index.ts';
import { productCalls } from './product-calls.ts';
import type { Calls, Requirement, Requires, StateLookups } from './requirement.ts';

/** A call that the map does not contain: it is unknown whether AWS would allow it. */
export class UnknownCallError extends Error {
  override name = 'UnknownCallError' as const;
}

/**
 * One map of the product's own calls and those of its rules.
 * @throws Error if two entries for one call differ
 */
export function mergeCalls(sources: readonly Calls[]): ReadonlyMap<string, Requires> {
  const merged = new Map<string, Requires>();
  for (const [name, requires] of sources.flatMap((source) => Object.entries(source))) {
    const known = merged.get(name);
    if (known !== undefined && known !== requires) {
      throw new Error(`the requirements of ${name} are defined twice: move them to test/lab/rules/shared`);
    }
    merged.set(name, requires);
  }
  return merged;
}

const rules: readonly LabRule[] = Object.values(labRules);
const calls = mergeCalls([productCalls, cloudControlCalls, ...rules.map((rule) => rule.calls)]);

/** The known calls: `ec2:CreateFlowLogs`. */
export const knownCalls: readonly string[] = [...calls.keys()];

/**
 * The actions that AWS checks before it carries out a call, in order, according to the Service Authorization Reference and
 * the API's own pages.
 * @throws UnknownCallError for a call that the map does not contain
 */
export async function requirementsOf(call: AwsCall, state: StateLookups): Promise<readonly Requirement[]> {
  const requires = calls.get(`${call.service}:${call.operation}`);
  if (requires === undefined) {
    throw new UnknownCallError(
      `unknown call ${call.service}:${call.operation} by ${call.principal.arn ?? call.principal.account}: its requirements must be added to \`calls\` of its rule in test/lab/rules, or to test/lab/permissions/product-calls.ts`,
    );
  }
  return requires(call, state);
}
