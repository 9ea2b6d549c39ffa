import { type AwsAnswer, bodyText } from './answer.ts';
import type { ParsedCall, Principal } from './call.ts';

/** Sends a call by the proxy itself to the service, signed with this access key. @returns the text of the answer */
export type Ask = (accessKeyId: string, service: 'iam' | 'sts', form: URLSearchParams) => Promise<string>;

/**
 * Knows the owners of access keys: for those that `AssumeRole` handed out through the proxy, from its answers, with the
 * session policy; for others, it asks the service, which also hands out keys directly, to functions.
 */
export class Principals {
  readonly #known = new Map<string, Promise<Principal>>();
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** The account of a key; in the local AWS, twelve digits are that account's root. Unsigned calls have no account. */
  of(accessKeyId: string): Promise<Principal> {
    const known = this.#known.get(accessKeyId);
    if (known !== undefined) return known;
    if (accessKeyId === '' || /^\d{12}$/.test(accessKeyId)) return Promise.resolve({ account: accessKeyId });
    const principal = this.#identify(accessKeyId);
    this.#known.set(accessKeyId, principal);
    principal.catch(() => this.#known.delete(accessKeyId));
    return principal;
  }

  /** Records what a call and its answer say about keys. */
  learn(call: ParsedCall & { readonly principal: Principal }, answer: AwsAnswer): void {
    if (call.service !== 'sts' || call.operation !== 'AssumeRole' || answer.status !== 200) return;
    const { RoleArn: roleArn, RoleSessionName: sessionName, Policy: sessionPolicy } = call.parameters;
    const text = bodyText(answer);
    const accessKeyId = element(text, 'AccessKeyId');
    const arn = element(text, 'Arn');
    const account = arn?.split(':')[4];
    if (accessKeyId === undefined || arn === undefined || account === undefined) return;
    const principal: Principal = {
      account,
      arn,
      ...(typeof roleArn === 'string' && { roleArn }),
      ...(typeof sessionName === 'string' && { sessionName }),
      ...(typeof sessionPolicy === 'string' && { sessionPolicy }),
      assumedBy: call.principal,
    };
    this.#known.set(accessKeyId, Promise.resolve(principal));
  }

  async #identify(accessKeyId: string): Promise<Principal> {
    const identity = await this.#ask(accessKeyId, 'sts', action('GetCallerIdentity', '2011-06-15'));
    const account = element(identity, 'Account') ?? '';
    const arn = element(identity, 'Arn');
    if (arn === undefined) return { account };
    const [, roleName, sessionName] = /:assumed-role\/([^/]+)\/(.+)$/.exec(arn) ?? [];
    if (roleName === undefined || sessionName === undefined) return { account, arn };
    // The session's ARN does not contain the role's path.
    const form = action('GetRole', '2010-05-08');
    form.set('RoleName', roleName);
    const roleArn = element(await this.#ask(account, 'iam', form), 'Arn');
    return { account, arn, ...(roleArn !== undefined && { roleArn }), sessionName };
  }
}

function action(name: string, version: string): URLSearchParams {
  return new URLSearchParams({ Action: name, Version: version });
}

function element(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
}
