import { Client } from '@smithy/core/client';
import { z } from 'zod';
import { isExpiredSession } from '../aws/errors.ts';
import { isRead } from '../aws/session-client.ts';

/** Credentials as returned by AssumeRole. */
export const credentialsSchema = z.object({
  AccessKeyId: z.string(),
  SecretAccessKey: z.string(),
  SessionToken: z.string(),
  Expiration: z.date(),
});
export type Credentials = z.infer<typeof credentialsSchema>;

/** Maximum number of times that a session is renewed. */
const MOST_RENEWALS = 2;

/**
 * Credentials of an assumed role, which is assumed again when AWS reports that they have expired. The call that AWS
 * refused for that reason had no effect. A read is sent again, so that rules and changes do not notice this. For any
 * other call, the error is thrown, because the resource must be read before the call is sent again.
 */
export class RenewableCredentials {
  readonly #assume: () => Promise<Credentials>;
  #current: Credentials;
  #renewals = 0;
  #pending: Promise<Credentials> | undefined;

  /** @param assume assumes the role again */
  constructor(first: Credentials, assume: () => Promise<Credentials>) {
    this.#current = first;
    this.#assume = assume;
  }

  /** Provides an SDK client with currently valid credentials, at each call. */
  readonly provider = Object.assign(
    async () => ({
      accessKeyId: this.#current.AccessKeyId,
      secretAccessKey: this.#current.SecretAccessKey,
      sessionToken: this.#current.SessionToken,
      expiration: this.#current.Expiration,
    }),
    // Tells the SDK that the provider caches credentials itself, so that the SDK calls it each time.
    { memoized: true },
  );

  /** Makes an SDK client renew its session when it has expired, and send reads again. */
  renewIn(client: unknown): void {
    if (!(client instanceof Client)) return;
    client.middlewareStack.add(
      (next, { commandName = '' }) =>
        async (call) => {
          for (;;) {
            const used = this.#current;
            try {
              return await next(call);
            } catch (error) {
              // If the role can't be assumed again, the error of the original call is thrown.
              const isRenewed = isExpiredSession(error) && (await this.#renew(used).catch(() => false));
              if (!isRenewed || !isRead(commandName)) throw error;
            }
          }
        },
      { step: 'initialize', name: 'renewSession' },
    );
  }

  /** Assumes the role again. @returns whether there are newer credentials than those that were used */
  async #renew(used: Credentials): Promise<boolean> {
    if (this.#current !== used) return true;
    if (this.#pending === undefined) {
      if (this.#renewals === MOST_RENEWALS) return false;
      this.#renewals += 1;
      this.#pending = this.#assume();
    }
    try {
      this.#current = await this.#pending;
    } finally {
      this.#pending = undefined;
    }
    return true;
  }
}
