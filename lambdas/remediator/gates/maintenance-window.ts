import { describeWindow, isOpen, nextOpening } from '../../model/maintenance-window.ts';
import { conclude } from '../verdict.ts';
import type { Gate } from './gate.ts';

/** Stops a finding while the rule's maintenance window is closed. */
export const maintenanceWindow: Gate = (_finding, { rule, settings, ports }) => {
  const { maintenance_window: window } = settings;
  const now = new Date(ports.clock.now());
  if (window === undefined || isOpen(window, now)) return undefined;
  const opens = nextOpening(window, now)?.toISOString() ?? 'an unknown time';
  const reason = `${rule.id} changes nothing outside its maintenance window, ${describeWindow(window)}: the finding waits for the first poll after ${opens}; to fix it sooner, change maintenance_window in the rule's settings`;
  return conclude('deferred', { willRetry: true, gate: 'maintenance_window', reason });
};
