import { z } from 'zod';
import { isAwsError } from '../lambdas/aws/errors.ts';
import { AutomationError } from '../lambdas/model/errors.ts';
import { type ExitReason, exitCodes } from './exit-codes.ts';
import { notAwsProblem, tlsProblem } from './not-aws.ts';

/** An error that an operator can act on: one line that says what to do. */
export class CliError extends AutomationError {
  override readonly name = 'CliError';
  readonly reason: ExitReason;
  constructor(reason: ExitReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** An error as one line, and the exit code. */
export interface Explained {
  readonly line: string;
  readonly exitCode: number;
  /** True if the stack helps to fix it. */
  readonly isBug: boolean;
}

/** Errors of Node's network code. https://nodejs.org/api/errors.html#common-system-errors */
const NETWORK_CODES = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
];

const networkErrorSchema = z.object({
  code: z.enum(NETWORK_CODES),
  hostname: z.string().optional(),
  address: z.string().optional(),
});

const sdkErrorSchema = z.object({
  $fault: z.enum(['client', 'server']),
  $metadata: z.object({ httpStatusCode: z.number().optional() }),
});

/**
 * Explains an error to an operator.
 * @param policy the name of the policy that the command needs
 * @param profile the profile from the command line, if any
 */
export function explainError(error: unknown, policy: string, profile?: string): Explained {
  const as = (reason: ExitReason, line: string): Explained => ({
    line: oneLine(line),
    exitCode: exitCodes[reason].code,
    isBug: false,
  });
  if (error instanceof CliError) return as(error.reason, error.message);
  if (!(error instanceof Error)) return bug(String(error));
  const credentials = credentialsProblem(error, profile);
  if (credentials !== undefined) return as('credentials', credentials);
  if (error.message.includes('Region is missing')) {
    return as('usage', 'no region is set: set --region or AWS_REGION to a protected region');
  }
  const configured = configurationProblem(error);
  if (configured !== undefined) return as('usage', configured);
  if (isDenied(error)) {
    return as('denied', `${error.message}. Attach the policy ${policy} to the role that you use`);
  }
  const unreachable = tlsProblem(error) ?? notAwsProblem(error) ?? networkProblem(error);
  if (unreachable !== undefined) return as('unreachable', unreachable);
  // The messages of this project's own errors are written for people.
  if (error instanceof AutomationError) return as('refused', error.message);
  return bug(`${error.name}: ${error.message}`);
}

const invalidUrlSchema = z.object({ code: z.literal('ERR_INVALID_URL'), input: z.string() });

/** Explains a setting of the environment or profile with which no client can be created. */
function configurationProblem(error: Error): string | undefined {
  const [, region] = /^Region not accepted: region="(.*)" is not/.exec(error.message) ?? [];
  if (region !== undefined) {
    return `"${region.slice(0, 60)}" is not a region: set --region or AWS_REGION to a protected region`;
  }
  const { data: url } = invalidUrlSchema.safeParse(error);
  if (url === undefined) return undefined;
  return `the endpoint "${url.input.slice(0, 100)}" is not a URL: correct AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_<SERVICE>, or endpoint_url of the profile`;
}

function bug(words: string): Explained {
  return { line: oneLine(words), exitCode: exitCodes.unexpected.code, isBug: true };
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').trim();
}

function credentialsProblem(error: Error, profile: string | undefined): string | undefined {
  const is = (...codes: readonly string[]): boolean => isAwsError(error, ...codes);
  const how = 'sign in again (aws sso login), or set valid ones with --profile or AWS_ACCESS_KEY_ID';
  if (is('ExpiredToken', 'RequestExpired', 'TokenRefreshRequired')) {
    return `the AWS credentials have expired: ${how}`;
  }
  if (is('InvalidClientTokenId', 'UnrecognizedClient', 'InvalidAccessKeyId', 'AuthFailure')) {
    return `AWS does not recognize these credentials: ${how}`;
  }
  if (is('SignatureDoesNotMatch', 'InvalidSignature')) {
    return `AWS rejected the signature of the request. Check the secret access key, and this machine's clock: ${error.message}`;
  }
  if (error.name === 'CredentialsProviderError' || error.name === 'TokenProviderError') {
    const where = profile === undefined ? '' : ` in the profile ${profile}`;
    return `no AWS credentials${where} (${error.message}): ${how}`;
  }
  return undefined;
}

/** Reports whether AWS denied a call. */
export function isDenied(error: unknown): boolean {
  return isAwsError(
    error,
    'AccessDenied',
    'AccessDeniedException',
    'UnauthorizedOperation',
    'AuthorizationError',
    'Forbidden',
    // SQS, if the queue is encrypted with a customer key that the caller may not use.
    'KmsAccessDenied',
    'KMS.AccessDenied',
  );
}

function networkProblem(error: Error): string | undefined {
  const network = networkErrorSchema.safeParse(error);
  if (network.success) {
    const { code, hostname, address } = network.data;
    return `AWS cannot be reached${place(hostname ?? address)} (${code}): check the network, the proxy, and the name of the region`;
  }
  if (error.name === 'TimeoutError' || error.name === 'AbortError') {
    return `AWS did not answer in time (${error.message}): check the network, and try again`;
  }
  const answered = sdkErrorSchema.safeParse(error);
  if (!answered.success) return undefined;
  const is = (...codes: readonly string[]): boolean => isAwsError(error, ...codes);
  const isThrottled = is(
    'Throttling',
    'ThrottlingException',
    'TooManyRequestsException',
    'SlowDown',
    'ProvisionedThroughputExceededException',
    'RequestThrottled',
  );
  if (!isThrottled && answered.data.$fault !== 'server') return undefined;
  return `AWS did not answer, after all retries: ${error.name}: ${error.message}. Try again`;
}

function place(host: string | undefined): string {
  return host === undefined ? '' : ` at ${host}`;
}
