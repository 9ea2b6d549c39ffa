import { execFile } from 'node:child_process';
import path from 'node:path';
import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  DeleteRoleCommand,
  DetachRolePolicyCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import { expect } from 'vitest';
import { takeOn } from '../integration/permissions/target-account.ts';
import type { Lab } from '../lab/index.ts';

const NAME = 'cspm-auto-remediation';
const program = path.resolve(import.meta.dirname, '../../dist/cspm-remediation.cjs');

/** Puts a process's clock ahead by as much as the lab's clock for functions. */
const clockAhead = `
const Machine = Date;
const now = () => Machine.now() + Number(process.env.AHEAD_MILLISECONDS);
globalThis.Date = class extends Machine {
  constructor(...given) {
    super(...(given.length === 0 ? [now()] : given));
  }
  static now() {
    return now();
  }
};`;

/** The beginning of each shell. The function replaces the documented alias, which only exists in interactive shells. */
const beginning = `set -eu
name=${NAME}
cspm-remediation() { "${process.execPath}" --import 'data:text/javascript,${encodeURIComponent(clockAhead)}' "${program}" "$@"; }
`;

/** One of the policies that the module creates for people. */
export type Policy = 'viewer' | 'operator';

/** The result of a command. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** A person's input: shell commands, or the arguments of one `cspm-remediation` command. */
export type Typed = string | readonly string[];

interface Place {
  readonly account: string;
  readonly region: string;
}

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** A person who uses the bundled command line of `dist/`, by the lab's clock. */
export class CommandLineUser {
  readonly credentials: Credentials;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #now: () => Date;

  constructor(
    lab: Pick<Lab, 'now'>,
    {
      region,
      endpoint,
      credentials,
    }: Omit<Place, 'account'> & { endpoint: string; credentials: Credentials },
  ) {
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    this.credentials = credentials;
    this.#now = lab.now;
    this.#environment = {
      PATH: process.env['PATH'] ?? '',
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      ...(sessionToken !== undefined && { AWS_SESSION_TOKEN: sessionToken }),
    };
  }

  /** @param changed environment variables that differ for these commands */
  run(typed: Typed, changed: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const [commands, words] = typeof typed === 'string' ? [typed, []] : ['cspm-remediation "$@"', typed];
    const AHEAD_MILLISECONDS = String(this.#now().getTime() - Date.now());
    const env = { ...this.#environment, AHEAD_MILLISECONDS, ...changed };
    return new Promise((resolve) => {
      // Bash would treat Node's pipe as a network connection, and read the machine's ~/.bashrc.
      const argv = ['--norc', '-c', beginning + commands, 'bash', ...words];
      const child = execFile('bash', argv, { env }, (_error, out, error) =>
        resolve({ code: child.exitCode ?? -1, out, error }),
      );
      child.stdin?.end();
    });
  }

  /** Runs commands that must succeed. @returns their output */
  async succeed(typed: Typed): Promise<string> {
    const ran = await this.run(typed);
    expect(ran, `${[typed].flat().join(' ')}: ${ran.out}${ran.error}`).toMatchObject({ code: 0 });
    return ran.out;
  }
}

/** The root of an account, whom no policy restricts. */
export function rootUser(lab: Pick<Lab, 'aws' | 'now'>, { account, region }: Place): CommandLineUser {
  const credentials = { accessKeyId: account, secretAccessKey: 'test' };
  return new CommandLineUser(lab, { region, endpoint: lab.aws.endpoint, credentials });
}

/** A user with the permissions of one policy, until it is disposed of. */
export interface PolicyUser extends AsyncDisposable {
  readonly user: CommandLineUser;
  readonly roleId: string;
}

/**
 * Creates a role, named after its policy, and assumes it.
 * @param place `endpoint`: a proxy, whose judge records the owner of the keys
 */
export async function startPolicyUser(
  lab: Pick<Lab, 'settings' | 'now'>,
  { account, region, endpoint }: Place & { readonly endpoint: string },
  policy: Policy,
): Promise<PolicyUser> {
  const iam = new IAMClient(lab.settings(account, region));
  const trust = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: account } };
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [trust] });
  const made = await iam.send(new CreateRoleCommand({ RoleName: policy, AssumeRolePolicyDocument }));
  const attachment = { RoleName: policy, PolicyArn: `arn:aws:iam::${account}:policy/${NAME}-${policy}` };
  await iam.send(new AttachRolePolicyCommand(attachment));
  const role = `arn:aws:iam::${account}:role/${policy}`;
  const credentials = await takeOn({ endpoint, account, role });
  return {
    user: new CommandLineUser(lab, { region, endpoint, credentials }),
    roleId: made.Role?.RoleId ?? '',
    async [Symbol.asyncDispose]() {
      // IAM does not delete a policy that is attached to a role.
      await iam.send(new DetachRolePolicyCommand(attachment));
      await iam.send(new DeleteRoleCommand({ RoleName: policy }));
    },
  };
}
