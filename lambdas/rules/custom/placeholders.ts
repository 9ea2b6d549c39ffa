/** Values for the placeholders in double braces in a custom rule's texts. */
export interface Place {
  /** The finding's resource id. */
  readonly resource: string;
  readonly account: string;
  readonly region: string;
  /** `aws`, `aws-us-gov`, `aws-cn`, `aws-eusc`. */
  readonly partition: string;
  /** The role that documents assume. */
  readonly automationRoleArn?: string;
}

const dnsSuffixes: Readonly<Record<string, string>> = {
  'aws-cn': 'amazonaws.com.cn',
  'aws-eusc': 'amazonaws.eu',
};

/**
 * Returns the parts of an ARN by placeholder. The resource part is a type and an id, separated by a slash or a colon,
 * or only an id.
 */
function arnParts(resource: string): Readonly<Record<string, string>> | undefined {
  const [arn, partition = '', service = '', region = '', account = '', ...rest] = resource.split(':');
  if (arn !== 'arn' || rest.length === 0) return undefined;
  const whole = rest.join(':');
  const [, type = '', id = whole] = /^([^/:]+)[/:](.+)$/s.exec(whole) ?? [];
  return {
    'arn.partition': partition,
    'arn.service': service,
    'arn.region': region,
    'arn.account': account,
    'arn.resource_type': type,
    'arn.resource_id': id,
  };
}

const PLACEHOLDER = /\{\{([^{}]*)\}\}/g;

/** Reports whether a text contains a placeholder for a part of the resource's ARN. */
export function namesArn(text: string): boolean {
  return [...text.matchAll(PLACEHOLDER)].some(([, name = '']) => name.startsWith('arn.'));
}

/** Reports whether a resource id is an ARN. */
export function isArn(resource: string): boolean {
  return arnParts(resource) !== undefined;
}

/** Returns the account in a resource's ARN; undefined if there is none. */
export function accountOfArn(resource: string): string | undefined {
  return arnParts(resource)?.['arn.account'] || undefined;
}

/**
 * Replaces the placeholders in a text. Terraform has already rejected unknown ones.
 * @throws Error if a placeholder has no value
 */
export function fill(text: string, place: Place): string {
  const values: Readonly<Record<string, string | undefined>> = {
    resource: place.resource,
    account: place.account,
    region: place.region,
    partition: place.partition,
    dns_suffix: dnsSuffixes[place.partition] ?? 'amazonaws.com',
    automation_role_arn: place.automationRoleArn,
    ...arnParts(place.resource),
  };
  return text.replaceAll(PLACEHOLDER, (whole, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined)
      throw new Error(`${whole} in ${JSON.stringify(text)} has no value for ${place.resource}`);
    return value;
  });
}
