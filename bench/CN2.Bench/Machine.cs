namespace CN2.Bench;

/// <summary>Where the figures come from.</summary>
internal static class Machine
{
    public static IEnumerable<object[]> Describe()
    {
        yield return ["Date", DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm 'UTC'", System.Globalization.CultureInfo.InvariantCulture)];
        yield return ["Commit", First("git", "-C", Repository.Root, "log", "-1", "--format=%h")];
        yield return ["Processor", $"{Field("/proc/cpuinfo", "model name")} (family {Field("/proc/cpuinfo", "cpu family")}, model {Field("/proc/cpuinfo", "model\t")}), {Environment.ProcessorCount} cores, {Field("/proc/cpuinfo", "cpu MHz")} MHz"];
        yield return ["Memory", $"{long.Parse(Field("/proc/meminfo", "MemTotal").Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture) / 1024 / 1024} GiB"];
        // The launcher looks before it builds.
        var load = Environment.GetEnvironmentVariable("CN2_BENCH_LOAD") ?? string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ')[..3]);
        yield return ["Load average before", $"{load} (1, 5 and 15 minutes; 0 is a quiet machine)"];
        yield return ["Kernel", File.ReadAllText("/proc/sys/kernel/osrelease").Trim()];
        yield return [".NET", Environment.Version.ToString()];
        yield return ["PostgreSQL", First(Directory.GetFiles("/usr/lib/postgresql", "postgres", SearchOption.AllDirectories).Order().Last(), "--version")];
        yield return ["gobgpd", First("gobgpd", "--version")];
        yield return ["FRR", First("/usr/lib/frr/bgpd", "--version")];
        yield return ["nftables", First("nft", "--version")];
        yield return ["nginx", First("sh", "-c", "nginx -v 2>&1")];
    }

    private static string Field(string file, string name) =>
        File.ReadLines(file).FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "?";

    /// <summary>The first line a program prints.</summary>
    private static string First(string program, params string[] arguments)
    {
        try
        {
            return Command.Try(program, arguments).Output.Split('\n')[0].Trim();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "not installed";
        }
    }
}
