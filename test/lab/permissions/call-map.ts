import type { AwsCall } from '../aws-proxy/index.ts';
import { cloudControlCalls } from '../cloud-control/calls.ts';
import { type LabRule, labRules } from '../rules/index.ts';
import { productCalls } from './product-calls.ts';
import type { Calls, Requirement, Requires, StateLookups } from './requirement.ts';

/** A call that the map does not know: nobody can say whether AWS would allow it. */
export class UnknownCallError extends Error {
  override name = 'UnknownCallError' as const;
}

/**
 * One map of the product's own calls and those of its rules.
 * @throws Error if two say different things of one call
 */
export function mergeCalls(sources: readonly Calls[]): ReadonlyMap<string, Requires> {
  const merged = new Map<string, Requires>();
  for (const [name, requires] of sources.flatMap((source) => Object.entries(source))) {
    const known = merged.get(name);
    if (known !== undefined && known !== requires) {
      throw new Error(`what ${name} asks for is said twice: move it to test/lab/rules/shared`);
    }
    merged.set(name, requires);
  }
  return merged;
}

const rules: readonly LabRule[] = Object.values(labRules);
const calls = mergeCalls([productCalls, cloudControlCalls, ...rules.map((rule) => rule.calls)]);

/** The calls that are known: `ec2:CreateFlowLogs`. */
export const knownCalls: readonly string[] = [...calls.keys()];

/**
 * The actions that AWS asks about before it carries out a call, in the order in which it does, as the Service
 * Authorization Reference and the API's own pages have it.
 * @throws UnknownCallError for a call that the map does not know
 */
export async function requirementsOf(call: AwsCall, state: StateLookups): Promise<readonly Requirement[]> {
  const requires = calls.get(`${call.service}:${call.operation}`);
  if (requires === undefined) {
    throw new UnknownCallError(
      `unknown call ${call.service}:${call.operation} by ${call.principal.arn ?? call.principal.account}: what it asks for must be entered in \`calls\` of its rule in test/lab/rules, or in test/lab/permissions/product-calls.ts`,
    );
  }
  return requires(call, state);
}
