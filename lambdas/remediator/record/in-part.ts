/** Suffix of the line of a change that was made in part. */
export const IN_PART = ' (in part)';
