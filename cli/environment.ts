import { z } from 'zod';
import { CliError } from './errors.ts';

/** Variables of the process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The region of the environment, in the order of the AWS CLI; undefined if the profile decides. The SDK reads only the
 * first variable. https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html
 */
export function regionOf({ AWS_REGION, AWS_DEFAULT_REGION }: Environment): string | undefined {
  return [AWS_REGION, AWS_DEFAULT_REGION].find((region) => region !== undefined && region !== '');
}

const endpointSchema = z.url({ protocol: /^https?$/ });

/**
 * Checks that configured endpoints are HTTP URLs. The SDK would parse `localhost:4566` as a URL with the scheme `localhost`,
 * and call another host.
 * @throws CliError `usage`
 */
export function expectEndpoints(environment: Environment): void {
  if (environment['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS']?.toLowerCase() === 'true') return;
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('AWS_ENDPOINT_URL') || value === undefined || value === '') continue;
    if (endpointSchema.safeParse(value).success) continue;
    throw new CliError(
      'usage',
      `the endpoint "${value.slice(0, 100)}" is not an HTTP URL: correct ${name}, for example http://localhost:4566`,
    );
  }
}
