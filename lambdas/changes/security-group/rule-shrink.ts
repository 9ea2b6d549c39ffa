import { errorKind, isNotTaken } from '../../aws/errors.ts';
import { ec2Writes } from '../../aws/pace.ts';
import type { AwsSession } from '../../aws/session.ts';
import { BlockedError, StalePlanError } from '../../model/errors.ts';
import type { Amid, ChangeKind, Note } from '../change.ts';
import { untilTaken } from '../until-taken.ts';
import { authorizeRules } from './authorize.ts';
import { shrunkDiffers } from './differs.ts';
import { formatParts } from './format-parts.ts';
import { type ExistingRule, formatRule, formatTraffic, type IngressRule, ruleKey } from './ingress-rule.ts';
import { checkSeen, idsOfAlike, look, lookAgain, NotShownError } from './look.ts';
import { type Modification, modifyRule } from './modify.ts';
import { readRulesOf } from './read.ts';
import { revokeRules, takeBackRules, withoutRules } from './revoke.ts';
import {
  isClosing,
  type RuleShrink,
  type RuleWiden,
  revocation,
  revoked,
  ruleShrinkSchema,
} from './schemas.ts';
import { takeBack } from './take-back.ts';

/** One application of the change. Its progress is noted after each call. */
class Shrinking {
  readonly #session: AwsSession;
  readonly #note: Note<RuleShrink>;
  readonly #amid: Amid;
  readonly #planned: RuleShrink;
  readonly #begunAt: Date;
  #soFar: RuleShrink;

  constructor(session: AwsSession, change: RuleShrink, note: Note<RuleShrink>, amid: Amid) {
    this.#session = session;
    this.#note = note;
    this.#amid = amid;
    this.#planned = change;
    this.#begunAt = session.now();
    this.#soFar = { ...change, made: [] };
  }

  get made(): readonly ExistingRule[] {
    return this.#soFar.made ?? [];
  }

  /** Notes the rules created so far and the call in progress. */
  progress(unconfirmed?: RuleShrink['unconfirmed'], made = this.made): void {
    const { unconfirmed: _, ...soFar } = this.#soFar;
    this.#soFar = { ...soFar, made: [...made], ...(unconfirmed !== undefined && { unconfirmed }) };
    this.#note(this.#soFar, made.length > 0 || isClosing(this.#soFar));
  }

  /**
   * Remembers the existing rules that look like the parts, before the parts are added. They belong to someone else and
   * are never removed.
   */
  #keepStanding(parts: readonly IngressRule[], standing: readonly ExistingRule[]): void {
    const alike = idsOfAlike(parts, withoutRules(standing, this.made));
    const stood = new Set([...(this.#soFar.stood ?? []), ...alike]);
    if (stood.size > 0) this.#soFar = { ...this.#soFar, stood: [...stood] };
  }

  /** Adds the other parts of the rule, after noting that they may have been added. */
  async addPieces(standing: readonly ExistingRule[]): Promise<void> {
    this.#keepStanding(this.#soFar.pieces, standing);
    await this.#note({ ...this.#soFar, mayBeMade: true }, false, true);
    await this.#add(this.#soFar.pieces, standing);
  }

  /** Adds parts to the group. @param standing the group's rules, read immediately before this call */
  async #add(parts: readonly IngressRule[], standing: readonly ExistingRule[]): Promise<ExistingRule[]> {
    this.progress('adding');
    const check = (read: readonly ExistingRule[]): void => {
      checkSeen(this.#soFar, read, this.#amid.ours);
    };
    const added = await this.#unlessUnsent(() =>
      authorizeRules(this.#session, this.#soFar.resource, parts, standing, { check }),
    );
    this.progress(undefined, [...this.made, ...added]);
    return added;
  }

  /** Makes a call, and updates the note if the call was not sent or not accepted. */
  async #unlessUnsent<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (isNotTaken(error) || error instanceof BlockedError) this.progress();
      throw error;
    }
  }

  /** Reads the group again, with all parts that were added. */
  lookAgain(parts = this.#planned.pieces): Promise<{ readonly wide: ExistingRule }> {
    const soFar = { ...this.#soFar, before: this.#planned.before };
    return lookAgain(this.#session, soFar, this.#amid.ours, parts, this.#begunAt);
  }

  /** Shrinks the wide rule once its other parts exist. */
  async shrink(wide: ExistingRule): Promise<RuleShrink> {
    const { resource, after } = this.#soFar;
    switch (await this.#modify(wide)) {
      case 'done':
        return this.#end({ ...after, id: wide.id, description: wide.description, tags: wide.tags });
      case 'gone':
        throw new StalePlanError(
          `${resource}: rule ${formatRule(wide)} is gone or was changed since it was read`,
        );
      case 'unmodifiable':
        this.progress();
        await this.#amid.mayContinue();
        return this.#replace();
    }
  }

  async #modify(wide: ExistingRule): Promise<Modification> {
    this.#soFar = { ...this.#soFar, before: wide };
    this.progress('shrinking');
    const { resource, after } = this.#soFar;
    return this.#unlessUnsent(() => modifyRule(this.#session, resource, wide, after, this.made));
  }

  /**
   * Replaces a rule that AWS can't modify: adds the part that would have kept the id, and revokes the wide rule.
   * @throws StalePlanError if the wide rule is gone or different
   */
  async #replace(): Promise<RuleShrink> {
    const { resource, after, pieces } = this.#soFar;
    const others = this.made;
    const { ours } = this.#amid;
    const before = await look(this.#session, this.#soFar, ours, pieces);
    this.#keepStanding([after], before.standing);
    // Later reads can't show who revoked the wide rule, or who added the narrow one.
    this.#soFar = { ...this.#soFar, replaces: true };
    await this.#note(this.#soFar, others.length > 0, true);
    const { standing } = await look(this.#session, this.#soFar, ours, pieces);
    this.#keepStanding([after], standing);
    const added = await this.#add([after], standing);
    const { wide } = await this.lookAgain([after, ...pieces]);
    this.progress('shrinking');
    if ((await revokeRules(this.#session, resource, [wide])).length === 0) {
      throw new StalePlanError(`${resource}: rule ${formatRule(wide)} was removed after it was read`);
    }
    return this.#end(added[0] ?? null, others);
  }

  /**
   * Revokes the parts that were added. Each is recorded when it is revoked, and the last note lists the remaining
   * parts.
   */
  async takeBack(): Promise<void> {
    const { resource } = this.#planned;
    await takeBackRules(this.#session, resource, this.made, {
      onRevoked: (rules) => {
        const made: RuleShrink = { ...this.#planned, made: [...rules] };
        this.#amid.tookBack({ made, taken: revoked(resource, rules) });
        this.progress(this.#soFar.unconfirmed, withoutRules(this.made, rules));
      },
    });
    // Rules that their owner has since changed belong to the owner and stay.
    this.progress(undefined, []);
  }

  /** Notes the completed change. @param shrunk the rule that replaced the wide rule */
  #end(shrunk: ExistingRule | null, made = this.made): RuleShrink {
    const { unconfirmed: _, stood: __, ...soFar } = this.#soFar;
    const applied: RuleShrink = { ...soFar, made: [...made], shrunk };
    this.#note(applied);
    return applied;
  }
}

/**
 * Closes a part of a wide inbound rule: adds narrower rules for the traffic that stays open, and then shrinks the wide
 * rule in place, by its id, so that no connection is interrupted. EC2 has no condition for the second call, so the rule
 * is read again immediately before it.
 */
export const changeKind: ChangeKind<RuleShrink> = {
  kind: 'security-group-rule-shrink',
  schema: ruleShrinkSchema,
  pace: ec2Writes,
  startsTogether: true,
  describe(change) {
    const { before, remains = [], note } = change;
    const already = remains.length === 0 ? '' : ` (${remains.map(formatTraffic).join(', ')} stands already)`;
    return `~ ingress ${formatRule(before)} -> ${formatParts(change)}${already}${note === undefined ? '' : `: ${note}`}`;
  },

  async apply(session, change, note, amid) {
    const { pieces } = change;
    const shrinking = new Shrinking(session, change, note, amid);
    const { standing, wide } = await look(session, change, amid.ours);
    try {
      if (pieces.length === 0) return await shrinking.shrink(wide);
      await shrinking.addPieces(standing);
      await amid.meet?.();
      return await untilTaken(session, async () => {
        // While the wide rule exists, its other parts allow nothing that it does not allow, so the change may stop
        // here.
        await amid.mayContinue();
        // The rule is read again as late as possible, because adding the parts took time.
        return shrinking.shrink((await shrinking.lookAgain()).wide);
      });
    } catch (error) {
      // While it is unknown whether the rule was shrunk, its other parts stay, because traffic might be blocked without
      // them.
      if (error instanceof StalePlanError || errorKind(error) === 'refused') {
        shrinking.progress(error instanceof NotShownError ? 'adding' : undefined);
        await shrinking.takeBack();
      }
      throw error;
    }
  },

  takeBack,

  /** Checks whether reads show the change. Stale reads show the rule unchanged. */
  async isVisible(session, { resource, before, shrunk }) {
    // A partly made change left the rule unchanged.
    if (shrunk === undefined) return true;
    const rule = (await readRulesOf(session, resource)).find(({ id }) => id === before.id);
    return rule === undefined || ruleKey(rule) !== ruleKey(before);
  },

  adds: ({ pieces }) => pieces.map(ruleKey),
  removes: ({ before, shrunk }) => (shrunk === undefined ? [] : [ruleKey(before)]),
  restsOn: ({ remains = [] }) => remains.map(ruleKey),

  // A replacement names the part that it added unless that part already existed.
  namesAll: ({ pieces, made = [], replaces, shrunk }) =>
    made.length >= pieces.length && (replaces !== true || (shrunk ?? null) !== null),

  leavesTarget: (applied) => applied.shrunk === undefined && !isClosing(applied),

  differs: shrunkDiffers,

  /** Inverts the change. If its result was not recorded, the rule is assumed to be shrunk as planned. */
  inverse(applied) {
    const { resource, before, after, pieces, made, shrunk } = applied;
    if (shrunk === undefined && made !== undefined && !isClosing(applied)) {
      return made.length === 0 ? undefined : revocation(resource, made);
    }
    const narrow = shrunk === undefined ? { ...after, id: before.id, tags: before.tags } : shrunk;
    const kind = 'security-group-rule-widen';
    return { kind, resource, before: narrow, after: before, pieces, made } satisfies RuleWiden;
  },
};
