import { SETTINGS_MILLISECONDS } from '../../../lambdas/remediator/object-settings.ts';
import type { AwsCall } from '../aws-proxy/index.ts';

/** The clock by which functions cache settings, and a way to wait for it. */
export interface Waiting {
  now(): number;
  sleep(milliseconds: number): Promise<unknown>;
}

/** Records when functions read settings, which they then cache for some seconds. */
export class SettingsReads {
  #last = Number.NEGATIVE_INFINITY;

  /** Records a read of the settings bucket by a function. */
  note({ service, operation, parameters, principal, startedAt }: AwsCall): void {
    if (service !== 's3' || operation !== 'GetObject' || principal.roleArn === undefined) return;
    if (!/-settings-\d{12}-/.test(String(parameters['Bucket']))) return;
    this.#last = Math.max(this.#last, startedAt.getTime());
  }

  /** Waits until no function uses settings that it read before; does not wait if the last read was long ago. */
  async forgotten({ now, sleep }: Waiting): Promise<void> {
    const end = this.#last + SETTINGS_MILLISECONDS;
    for (let rest = end - now(); rest > 0; rest = end - now()) await sleep(rest);
  }
}
