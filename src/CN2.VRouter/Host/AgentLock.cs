using System.Net.Sockets;

namespace CN2.VRouter.Host;

/// <summary>
/// Two agents with the same table in one network namespace would undo each other's changes for ever. The lock is a file that only the
/// agent's user can open, because an abstract socket could be taken by any process that shares the network namespace. It is released
/// with the process, however that ends.
/// </summary>
internal static class AgentLock
{
    public const string Directory = "/run/cn2-vrouter";
    private const int Attempts = 30;
    private static readonly TimeSpan BetweenAttempts = TimeSpan.FromMilliseconds(100);

    /// <summary>An agent that is being replaced gets 3 s to end. Null: another agent runs.</summary>
    public static async Task<IDisposable?> TakeAsync(string table, string directory = Directory)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return Take(table, directory);
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                if (attempt == Attempts) return null;
                await Task.Delay(BetweenAttempts);
            }
        }
    }

    private static IDisposable Take(string table, string directory)
    {
        // "net:[4026531840]": agents of several network namespaces share the directory.
        var space = new string([.. (new FileInfo("/proc/self/ns/net").LinkTarget ?? "").Where(char.IsAsciiDigit)]);
        try
        {
            System.IO.Directory.CreateDirectory(directory);
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return TakeSocket(table); // a container without /run, or an agent that is not root
        }

        // FileShare.None is flock. The file stays: one who removes it may remove a file that another agent has just opened, and a third one then locks a new one.
        return new FileStream(Path.Combine(directory, $"{space}-{table}.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
    }

    private static Socket TakeSocket(string table)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint($"\0cn2-vrouter/{table}"));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
