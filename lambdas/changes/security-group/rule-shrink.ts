import { errorKind, isNotTaken } from '../../aws/errors.ts';
import { ec2Writes } from '../../aws/pace.ts';
import type { AwsSession } from '../../aws/session.ts';
import { BlockedError, StalePlanError } from '../../model/errors.ts';
import type { Amid, ChangeKind, Note } from '../change.ts';
import { untilTaken } from '../until-taken.ts';
import { authorizeRules } from './authorize.ts';
import { shrunkDiffers } from './differs.ts';
import { formatParts } from './format-parts.ts';
import {
  type ExistingRule,
  formatRule,
  formatTraffic,
  type IngressRule,
  looksLike,
  ruleKey,
} from './ingress-rule.ts';
import { checkSeen, look, NotShownError } from './look.ts';
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

/** One application of the change: what it has made so far is noted as it goes. */
class Shrinking {
  readonly #session: AwsSession;
  readonly #note: Note<RuleShrink>;
  readonly #amid: Amid;
  readonly #planned: RuleShrink;
  #soFar: RuleShrink;

  constructor(session: AwsSession, change: RuleShrink, note: Note<RuleShrink>, amid: Amid) {
    this.#session = session;
    this.#note = note;
    this.#amid = amid;
    this.#planned = change;
    this.#soFar = { ...change, made: [] };
  }

  get made(): readonly ExistingRule[] {
    return this.#soFar.made ?? [];
  }

  /** Notes what is made by now, and which call is on its way. */
  progress(unconfirmed?: RuleShrink['unconfirmed'], made = this.made): void {
    const { unconfirmed: _, ...soFar } = this.#soFar;
    this.#soFar = { ...soFar, made: [...made], ...(unconfirmed !== undefined && { unconfirmed }) };
    this.#note(this.#soFar, made.length > 0 || isClosing(this.#soFar));
  }

  /** Keeps which rules like parts stand before these are added: they are someone else's, and never taken back. */
  #keepStanding(parts: readonly IngressRule[], standing: readonly ExistingRule[]): void {
    const made = new Set(this.made.map(({ id }) => id));
    const alike = standing.filter(
      (rule) => !made.has(rule.id) && parts.some((part) => looksLike(rule, part)),
    );
    const stood = new Set([...(this.#soFar.stood ?? []), ...alike.map(({ id }) => id)]);
    if (stood.size > 0) this.#soFar = { ...this.#soFar, stood: [...stood] };
  }

  /** Adds the other parts of the rule. From its note on, which outlives the attempt, they may have been added. */
  async addPieces(standing: readonly ExistingRule[]): Promise<void> {
    this.#keepStanding(this.#soFar.pieces, standing);
    await this.#note({ ...this.#soFar, mayBeMade: true }, false, true);
    await this.#add(this.#soFar.pieces, standing);
  }

  /** Adds parts to the group as it was read directly before. */
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

  /** Makes a call, and notes where it was not sent, or not taken. */
  async #unlessUnsent<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (isNotTaken(error) || error instanceof BlockedError) this.progress();
      throw error;
    }
  }

  /** Shrinks the wide rule once its other parts stand. */
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
   * Adds the part that was to keep the id, and revokes the wide rule: for a rule that AWS does not modify.
   * @throws StalePlanError when the wide rule is gone or different
   */
  async #replace(): Promise<RuleShrink> {
    const { resource, after, pieces } = this.#soFar;
    const others = this.made;
    const { ours } = this.#amid;
    const before = await look(this.#session, this.#soFar, ours, pieces);
    this.#keepStanding([after], before.standing);
    // No read tells later by whom the wide rule was revoked, or its narrow one added, unless that stood before.
    this.#soFar = { ...this.#soFar, replaces: true };
    await this.#note(this.#soFar, others.length > 0, true);
    const { standing } = await look(this.#session, this.#soFar, ours, pieces);
    this.#keepStanding([after], standing);
    const added = await this.#add([after], standing);
    const { wide } = await look(this.#session, this.#soFar, ours, [after, ...pieces]);
    this.progress('shrinking');
    if ((await revokeRules(this.#session, resource, [wide])).length === 0) {
      throw new StalePlanError(`${resource}: rule ${formatRule(wide)} was removed after it was read`);
    }
    return this.#end(added[0] ?? null, others);
  }

  /** Revokes the parts that were added. Each is recorded as it goes; what is noted then is what is left. */
  async takeBack(): Promise<void> {
    const { resource } = this.#planned;
    await takeBackRules(this.#session, resource, this.made, {
      onRevoked: (rules) => {
        const made: RuleShrink = { ...this.#planned, made: [...rules] };
        this.#amid.tookBack({ made, taken: revoked(resource, rules) });
        this.progress(this.#soFar.unconfirmed, withoutRules(this.made, rules));
      },
    });
    // What its owner has changed since stays, and is theirs.
    this.progress(undefined, []);
  }

  /** @param shrunk what stands in the wide rule's place */
  #end(shrunk: ExistingRule | null, made = this.made): RuleShrink {
    const { unconfirmed: _, stood: __, ...soFar } = this.#soFar;
    const applied: RuleShrink = { ...soFar, made: [...made], shrunk };
    this.#note(applied);
    return applied;
  }
}

/**
 * Closes a part of a wide inbound rule: adds what is to stay open as narrower rules, then shrinks the wide rule in
 * place, by its id, so that nothing is cut in between. EC2 takes no condition for the second step: directly before it,
 * the rule is read again.
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
    const { standing, wide } = await look(session, change, amid.ours);
    const shrinking = new Shrinking(session, change, note, amid);
    try {
      if (pieces.length === 0) return await shrinking.shrink(wide);
      await shrinking.addPieces(standing);
      await amid.meet?.();
      return await untilTaken(session, async () => {
        // While the wide rule stands, its other parts let in nothing that it does not: here it may stop.
        await amid.mayContinue();
        // Adding took its time: the rule is read again, as late as can be.
        const again = await look(session, { ...change, made: [...shrinking.made] }, amid.ours, pieces);
        return shrinking.shrink(again.wide);
      });
    } catch (error) {
      // While it is unknown whether the rule is shrunk, its other parts stay: without them, something might be cut.
      if (error instanceof StalePlanError || errorKind(error) === 'refused') {
        shrinking.progress(error instanceof NotShownError ? 'adding' : undefined);
        await shrinking.takeBack();
      }
      throw error;
    }
  },

  takeBack,

  /** Reads that lag show the rule as it was. */
  async isVisible(session, { resource, before, shrunk }) {
    // One that was made in part left the rule as it was.
    if (shrunk === undefined) return true;
    const rule = (await readRulesOf(session, resource)).find(({ id }) => id === before.id);
    return rule === undefined || ruleKey(rule) !== ruleKey(before);
  },

  adds: ({ pieces }) => pieces.map(ruleKey),
  removes: ({ before, shrunk }) => (shrunk === undefined ? [] : [ruleKey(before)]),
  restsOn: ({ remains = [] }) => remains.map(ruleKey),

  namesAll: ({ pieces, made = [], replaces }) => replaces !== true && made.length >= pieces.length,

  leavesTarget: (applied) => applied.shrunk === undefined && !isClosing(applied),

  differs: shrunkDiffers,

  /**
   * Inverts the change. Where it was cut off before its end was recorded, the rule is taken to stand as it was to
   * become.
   */
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
