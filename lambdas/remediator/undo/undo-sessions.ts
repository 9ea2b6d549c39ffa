import { describeAssumeRoleError } from '../../aws/assume-role-error.ts';
import { errorKind } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { pollId } from '../../model/job.ts';
import type { RequestItem } from '../../model/requests.ts';
import type { Rule } from '../../rules/rule.ts';
import { lookupPermission } from '../culprit.ts';
import type { Ports } from '../ports.ts';
import { refuse, type UndoVerdict } from './undo-verdict.ts';

/** Sessions in the account of an undo, one per rule. Each allows only the calls that undo the rule's changes. */
export class UndoSessions {
  readonly #request: Pick<RequestItem, 'account' | 'region' | 'at'>;
  readonly #ports: Pick<Ports, 'openSession'>;
  readonly #sessions = new Map<string, Promise<AwsSession>>();

  constructor(request: Pick<RequestItem, 'account' | 'region' | 'at'>, ports: Pick<Ports, 'openSession'>) {
    this.#request = request;
    this.#ports = ports;
  }

  /**
   * Opens the session for a rule.
   * @returns the verdict if AWS refuses it
   * @throws AWS's own error if another attempt may succeed
   */
  async of({ id, scope, regionFrom, permissions }: Rule): Promise<AwsSession | UndoVerdict> {
    const { account, region } = this.#request;
    try {
      const inAnyRegion = scope === 'global' || regionFrom === 'resource';
      return await this.#open(id, id, permissions.undo, inAnyRegion);
    } catch (error) {
      if (errorKind(error) !== 'refused') throw error;
      return { ...refuse(describeAssumeRoleError(error, account, region)), gate: 'role' };
    }
  }

  /** Opens a session that may only query CloudTrail. @throws AWS's own error if it can't be opened */
  toAsk({ id }: Rule): Promise<AwsSession> {
    return this.#open('CloudTrail', id, [lookupPermission], false);
  }

  #open(
    key: string,
    rule: string,
    permissions: Parameters<Ports['openSession']>[0]['permissions'],
    inAnyRegion: boolean,
  ): Promise<AwsSession> {
    const { account, region, at } = this.#request;
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    const name = pollId({ source: 'undo', rule, asOf: at });
    const opened = this.#ports.openSession({ account, region, name, permissions, inAnyRegion });
    this.#sessions.set(key, opened);
    opened.catch(() => this.#sessions.delete(key));
    return opened;
  }
}
