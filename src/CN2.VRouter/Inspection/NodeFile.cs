namespace CN2.VRouter.Inspection;

/// <summary>Reads files of /proc. The kernel shows the network namespace of the thread that opens them.</summary>
internal static class NodeFile
{
    /// <summary>The content of a file with one value; null: there is no such file.</summary>
    public static string? Word(string path) => Lines(path) is [var line, ..] ? line.Trim() : null;

    /// <summary>The interfaces of the namespace; empty: the kernel does not show them.</summary>
    public static IReadOnlyList<string> Devices()
    {
        try
        {
            return [.. Directory.EnumerateDirectories("/proc/sys/net/ipv4/conf").Select(d => Path.GetFileName(d)).Where(d => d is not ("all" or "default"))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>The lines of a file; empty: there is no such file.</summary>
    public static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
