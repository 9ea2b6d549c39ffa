import type { Job } from '../../../../lambdas/model/job.ts';
import type { Settings } from '../../../../lambdas/model/settings.ts';
import { AwsModel } from '../../../lab/aws-model/model.ts';
import { type ModelCall, modelSession } from '../../../lab/aws-model/session.ts';
import type { AwsState } from '../../../lab/aws-model/state.ts';
import { ACCOUNT, RemediatorInMemory, regionalJobOf, settingsOf } from './remediator-in-memory.ts';

/** A remediator whose sessions use the model of AWS, for rules whose resources `IamAccount` does not have. */
export class ModelAccount {
  readonly remediator = new RemediatorInMemory();
  readonly writes: string[] = [];
  /** State that reads return instead of the current one. */
  past: AwsState | undefined;
  /** Runs before each call. */
  onCall: (operation: string) => void = () => {};
  /** Runs before one of our writes takes effect, and may throw AWS's error instead. */
  beforeWrite: (operation: string) => void = () => {};
  /** Runs after one of our writes has taken effect, before its answer. */
  onWrite: () => void = () => {};
  readonly #model: AwsModel;
  readonly #rule: string;

  constructor(rule: string, initial: AwsState, options: Settings['options'] = {}) {
    this.#rule = rule;
    this.#model = new AwsModel(ACCOUNT, initial, () => this.remediator.now);
    this.remediator.settings = settingsOf({ rule, options });
    this.remediator.openSession = (request, now, life) =>
      modelSession(request, now, (call) => life.step(() => this.#answer(call)));
  }

  get state(): AwsState {
    return this.#model.state;
  }

  /** Changes the state as someone else, or as AWS itself. */
  set(state: AwsState): void {
    this.#model.set(state);
  }

  /** Changes the state as someone else, once, immediately after our first write. */
  actAfterFirstWrite(act: (state: AwsState) => AwsState): void {
    this.onWrite = () => {
      this.onWrite = () => {};
      this.set(act(this.state));
    };
  }

  job(...resources: readonly string[]): Job {
    return regionalJobOf(this.#rule, resources);
  }

  #answer({ operation, input, region }: ModelCall): object {
    this.onCall(operation);
    const isWrite = this.#model.isWrite(operation);
    if (isWrite) this.beforeWrite(operation);
    if (isWrite) this.writes.push(operation);
    const state = isWrite ? this.state : (this.past ?? this.state);
    const { output, next } = this.#model.answer(operation, input, state, region);
    if (next !== undefined) this.#model.set(next);
    if (isWrite) this.onWrite();
    return output;
  }
}
