import type { Tags } from '../lab/aws-model/state.ts';

/** The tag by which a resource's owner exempts it, as docs/rules.md documents it. */
export const EXEMPTION: Tags = { 'cspm-auto-remediation:exempt': 'public on purpose until 2099-12-31' };
