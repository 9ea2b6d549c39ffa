import type { AwsClientOptions } from './client-defaults.ts';
import { GetParameterCommand, SSMClient } from './ssm.ts';

export interface ParameterStoreOptions {
  readonly region: string;
  readonly clientOptions: AwsClientOptions;
}

/** Client for Systems Manager parameters. */
export class ParameterStore {
  readonly #client: SSMClient;

  constructor({ region, clientOptions }: ParameterStoreOptions) {
    this.#client = new SSMClient({ ...clientOptions, region });
  }

  /**
   * Reads a parameter's current value.
   * @throws AWS's own error: `ParameterNotFound` if there is none
   */
  async get(name: string): Promise<string | undefined> {
    const { Parameter } = await this.#client.send(new GetParameterCommand({ Name: name }));
    return Parameter?.Value;
  }
}
