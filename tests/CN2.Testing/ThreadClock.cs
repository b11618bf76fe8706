using System.Runtime.InteropServices;

namespace CN2.Testing;

/// <summary>Processor time of the calling thread: what other tests do at the same time is no part of it.</summary>
public static partial class ThreadClock
{
    private const int Cpu = 3; // CLOCK_THREAD_CPUTIME_ID

    public static TimeSpan Now => GetTime(Cpu, out var time) == 0
        ? TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromTicks(time.Nanoseconds / TimeSpan.NanosecondsPerTick)
        : throw new InvalidOperationException($"clock_gettime: {Marshal.GetLastPInvokeErrorMessage()}");

    [LibraryImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    private static partial int GetTime(int clock, out Time time);

    [StructLayout(LayoutKind.Sequential)]
    private struct Time
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
