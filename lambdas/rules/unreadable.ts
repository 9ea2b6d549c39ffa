import { z } from 'zod';
import type { Rule } from './rule.ts';

/**
 * Creates a placeholder for a custom rule whose definition can't be parsed. It rejects every assessment with the cause.
 */
export function unreadableRule(id: string, cause: Error): Rule {
  return {
    id,
    title: id,
    legacyId: id,
    resourceType: '',
    scope: 'regional',
    regionFrom: 'finding',
    severity: 'low',
    resourceId: z.string(),
    options: z.unknown(),
    permissions: { read: [], write: [], undo: [] },
    documentation: { control: '', finds: '', changes: '', neverTouches: '', undo: '' },
    assess: () => Promise.reject(cause),
  };
}
