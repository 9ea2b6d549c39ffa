import type { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import type { AwsClientOptions } from '../../aws/client-defaults.ts';
import { asError } from '../../aws/errors.ts';
import { FindingSourceError } from '../../model/errors.ts';
import type { TokenStore } from './client.ts';

/** Time for which the token is cached. It can be long, because a refused token is read again. */
const MAX_AGE_SECONDS = 300;

/** Reads the token from a Secrets Manager secret. */
export class SecretTokenStore implements TokenStore {
  readonly name: string;
  readonly #region: string;
  readonly #clientOptions: AwsClientOptions;
  #provider: SecretsProvider | undefined;

  /** @param arn the ARN of the secret */
  constructor(arn: string, region: string, clientOptions: AwsClientOptions) {
    this.name = arn;
    this.#region = region;
    this.#clientOptions = clientOptions;
  }

  /** Reads the secret's value. @throws FindingSourceError if it can't be read or is not text */
  async read(fresh: boolean): Promise<string> {
    const { SecretsProvider } = await import('@aws-lambda-powertools/parameters/secrets');
    this.#provider ??= new SecretsProvider({
      clientConfig: { ...this.#clientOptions, region: this.#region },
    });
    let value: unknown;
    try {
      value = await this.#provider.get(this.name, { maxAge: MAX_AGE_SECONDS, forceFetch: fresh });
    } catch (error) {
      const why = asError(error).message;
      throw new FindingSourceError(`the API token cannot be read from ${this.name}: ${why}`, {
        cause: error,
      });
    }
    if (typeof value === 'string') return value;
    throw new FindingSourceError(
      `the value of ${this.name} is not text: put the API token there as plain text`,
    );
  }
}
