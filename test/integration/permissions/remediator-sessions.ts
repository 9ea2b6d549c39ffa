import { vi } from 'vitest';
import { systemClock } from '../../../lambdas/model/clock.ts';
import { environmentSchema } from '../../../lambdas/remediator/environment.ts';
import { Sessions } from '../../../lambdas/remediator/session.ts';
import { REGION } from './remediation.ts';
import { deployTarget, makeFunctionRole, takeOn } from './target-account.ts';

/** The name of the role that a remediator's function has. */
export const REMEDIATOR = `cspm-remediator-${REGION}`;

interface SessionsOptions {
  readonly endpoint: string;
  /** The address of the proxy, through which all calls go. */
  readonly proxy: string;
  /** The security account. */
  readonly security: string;
  /** The target role: an ARN. */
  readonly role: string;
  readonly externalId: string;
}

export interface StartOptions extends Omit<SessionsOptions, 'role'> {
  /** The account in which to deploy the target role. */
  readonly target: string;
  /** Variables of `modules/target` in addition to those that all tests set. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Deploys the target role, which allows undos, in one account, and starts a remediator's sessions there. */
export async function startTarget({ target, variables, ...options }: StartOptions): Promise<Sessions> {
  const { endpoint, security, externalId } = options;
  await deployTarget({
    endpoint,
    account: target,
    variables: {
      name: 'cspm',
      security_account_id: security,
      external_id: externalId,
      undo: true,
      ...variables,
    },
  });
  return startSessions({ ...options, role: `arn:aws:iam::${target}:role/cspm-remediation` });
}

/**
 * Creates a remediator's role in the security account, and its sessions in the target account. From then on, clients of the
 * AWS SDK take the function's credentials and the proxy from the environment, until `vi.unstubAllEnvs()`.
 */
async function startSessions(options: SessionsOptions): Promise<Sessions> {
  const { endpoint, proxy, security, role, externalId: EXTERNAL_ID } = options;
  await makeFunctionRole({ endpoint, account: security, name: REMEDIATOR, assumes: role });
  const { accessKeyId, secretAccessKey, sessionToken } = await takeOn({
    endpoint: proxy,
    account: security,
    role: `arn:aws:iam::${security}:role/${REMEDIATOR}`,
  });
  vi.stubEnv('AWS_ENDPOINT_URL', proxy);
  vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey);
  vi.stubEnv('AWS_SESSION_TOKEN', sessionToken);
  return new Sessions(
    environmentSchema.parse({
      NAME: 'cspm',
      COLLECTOR_ROLE_ID: 'AROACOLLECTOR',
      AWS_REGION: REGION,
      HOME_REGION: REGION,
      SECURITY_ACCOUNT_ID: security,
      PARTITION: 'aws',
      EVIDENCE_BUCKET: 'cspm-evidence',
      FINDINGS_TABLE: 'findings',
      SETTINGS_BUCKET: 'settings',
      EVENT_BUS_ARN: `arn:aws:events:${REGION}:${security}:event-bus/cspm`,
      TARGET_ROLE_NAME: 'cspm-remediation',
      AUTOMATION_ROLE_NAME: 'cspm-automation',
      EXTERNAL_ID,
      MAX_RECEIVE_COUNT: '5',
      RETRY_DELAY_SECONDS: '30',
    }),
    systemClock,
    { debug: () => {}, warn: () => {} },
  );
}
