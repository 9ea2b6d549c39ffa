import type { Permission } from '../rules/permission.ts';

/** Values of the placeholders in a rule's permissions. */
export interface Scope {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

/** Omits the list around a single value, which IAM allows. */
function single<T>(values: readonly T[]): readonly T[] | T {
  const [only] = values;
  return values.length === 1 && only !== undefined ? only : values;
}

/** Merges permissions with the same resources and conditions, because STS limits the length of the policy. */
function merge(permissions: readonly Permission[]): Permission[] {
  const merged = new Map<string, Permission>();
  for (const permission of permissions) {
    const { actions, resources, conditions } = permission;
    const key = JSON.stringify([resources, conditions]);
    const known = merged.get(key)?.actions ?? [];
    merged.set(key, { ...permission, actions: [...new Set([...known, ...actions])] });
  }
  return [...merged.values()];
}

function conditionBlock(conditions: NonNullable<Permission['conditions']>) {
  return Object.fromEntries(
    Object.entries(conditions).map(([operator, keys]) => [
      operator,
      Object.fromEntries(Object.entries(keys).map(([key, values]) => [key, single(values)])),
    ]),
  );
}

/**
 * Creates the session policy that limits the target role to what one job needs. It is as short as possible: STS accepts
 * up to 2,048 characters, but also has an undocumented limit on the packed size, which is reached at about 1,700
 * characters.
 */
export function sessionPolicy(permissions: readonly Permission[], scope: Scope): string {
  const fill = (text: string): string =>
    text
      .replaceAll('${partition}', scope.partition)
      .replaceAll('${region}', scope.region)
      .replaceAll('${account}', scope.account);
  return fill(
    JSON.stringify({
      Version: '2012-10-17',
      Statement: merge(permissions).map(({ actions, resources, conditions }) => ({
        Effect: 'Allow',
        Action: single(actions),
        Resource: single(resources),
        ...(conditions !== undefined && { Condition: conditionBlock(conditions) }),
      })),
    }),
  );
}
