import { z } from 'zod';
import { CliError } from './errors.ts';

/** Variables of the process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The region of the environment, in the order of the AWS CLI; undefined if the profile decides. The SDK knows the first
 * variable only. https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html
 */
export function regionOf({ AWS_REGION, AWS_DEFAULT_REGION }: Environment): string | undefined {
  return [AWS_REGION, AWS_DEFAULT_REGION].find((region) => region !== undefined && region !== '');
}

const endpointSchema = z.url({ protocol: /^https?$/ });

/**
 * Checks that configured endpoints are ones that HTTP reaches. The SDK takes `localhost:4566` for a URL with the scheme
 * `localhost`, and calls another host.
 * @throws CliError `usage`
 */
export function expectEndpoints(environment: Environment): void {
  if (environment['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS']?.toLowerCase() === 'true') return;
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('AWS_ENDPOINT_URL') || value === undefined || value === '') continue;
    if (endpointSchema.safeParse(value).success) continue;
    throw new CliError(
      'usage',
      `the endpoint "${value.slice(0, 100)}" is not a URL of HTTP: correct ${name}, such as http://localhost:4566`,
    );
  }
}
