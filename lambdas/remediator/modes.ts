import type { Mode } from '../model/mode.ts';
import type { Action } from './action.ts';
import { gatesAt } from './gates/index.ts';
import { offReason } from './gates/off.ts';
import { type PlannedFix, reasonOf } from './planned-fix.ts';
import { enforce } from './stages/enforce.ts';
import { noteUndoneWhileBlocked } from './stages/note-results.ts';
import { conclude, type Verdict, withDetails } from './verdict.ts';
import type { ConfiguredWork } from './work.ts';

/** Creates an action that only gives each fix a verdict, and changes nothing. */
function only(
  verdictOn: (fix: PlannedFix, work: ConfiguredWork) => Verdict,
  gates: Action['gates'] = [],
): Action {
  return {
    access: 'read',
    gates,
    act: async (_session, fixes, work) => ({
      verdicts: new Map(fixes.map((fix) => [fix.finding.resource, verdictOn(fix, work)])),
      idle: [],
    }),
  };
}

/** Action of each mode. */
export const modes: Readonly<Record<Mode, Action>> = {
  off: only((_fix, work) => conclude('not_applicable', { reason: offReason(work) })),
  dry_run: only(({ notes, details }) => conclude('planned', { ...details, ...reasonOf(notes) })),
  enforce: { access: 'write', gates: gatesAt('whenPlanned'), act: enforce },
};

/**
 * Creates the action for a job in which a gate prevents all changes: every fix gets the verdict of the gate, with its
 * plan.
 */
export function blockedByVerdict(verdict: Verdict): Action {
  const blocked = only(({ details }) => withDetails(verdict, details), gatesAt('whenPlanned'));
  return {
    ...blocked,
    act: (session, fixes, work) => {
      noteUndoneWhileBlocked(
        fixes.map(({ finding }) => finding),
        work,
      );
      return blocked.act(session, fixes, work);
    },
  };
}
