import { testEveryCall } from '../harness/every-call.ts';

await testEveryCall('s3-bucket-public');
