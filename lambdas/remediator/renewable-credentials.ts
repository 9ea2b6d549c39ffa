import { Client } from '@smithy/core/client';
import { z } from 'zod';
import { isExpiredSession } from '../aws/errors.ts';
import { isRead } from '../aws/session-client.ts';

/** Credentials as AssumeRole answers them. */
export const credentialsSchema = z.object({
  AccessKeyId: z.string(),
  SecretAccessKey: z.string(),
  SessionToken: z.string(),
  Expiration: z.date(),
});
export type Credentials = z.infer<typeof credentialsSchema>;

/** A session that ends again and again is not renewed forever. */
const MOST_RENEWALS = 2;

/**
 * Credentials of an assumed role, which is assumed again when AWS says that they have expired. The call that AWS refused
 * for that reason had no effect. A read is sent again, so that neither rules nor changes see it; the error of another
 * call is passed on, because its maker must look before it sends it again.
 */
export class RenewableCredentials {
  readonly #assume: () => Promise<Credentials>;
  #current: Credentials;
  #renewals = 0;
  #pending: Promise<Credentials> | undefined;

  /** @param assume Assumes the role again. */
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
    // The SDK takes it that the provider remembers by itself, and asks it each time.
    { memoized: true },
  );

  /** Makes an SDK client renew its session when that has expired, and send a read again. */
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
              // Where the role can't be assumed again, AWS's answer to the call still says what happened.
              const isRenewed = isExpiredSession(error) && (await this.#renew(used).catch(() => false));
              if (!isRenewed || !isRead(commandName)) throw error;
            }
          }
        },
      { step: 'initialize', name: 'renewSession' },
    );
  }

  /** @returns whether there are other credentials than those that were used */
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
