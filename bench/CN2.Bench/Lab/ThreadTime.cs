using System.Globalization;

namespace CN2.Bench.Lab;

/// <summary>Processor time of one thread of this process, the kernel's work for it included.</summary>
internal static class ThreadTime
{
    public static TimeSpan Of(string thread)
    {
        foreach (var task in Directory.EnumerateDirectories("/proc/self/task"))
        {
            if (File.ReadAllText(Path.Combine(task, "comm")).TrimEnd('\n') != thread) continue;
            var nanoseconds = File.ReadAllText(Path.Combine(task, "schedstat")).Split(' ')[0];
            return TimeSpan.FromMicroseconds(long.Parse(nanoseconds, CultureInfo.InvariantCulture) / 1000.0);
        }

        throw new InvalidOperationException($"no thread {thread}");
    }
}
