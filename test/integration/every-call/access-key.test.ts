import { testEveryCall } from '../harness/every-call.ts';

await testEveryCall('iam-access-key-unrotated');
