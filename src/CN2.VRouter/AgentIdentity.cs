using System.Security.Cryptography;
using System.Text;
using CN2.VRouter.Host;
using Google.Protobuf;

namespace CN2.VRouter;

/// <summary>
/// By what a server knows an agent again whose earlier stream it still believes in. Kept in the state directory, so that an agent that was
/// restarted is the same; without a directory each process is another one.
/// </summary>
internal sealed class AgentIdentity
{
    private const string FileName = "instance";
    private const int Length = 16;

    private AgentIdentity(byte[] instance) => Instance = ByteString.CopyFrom(instance);

    public ByteString Instance { get; }

    /// <exception cref="IOException">The directory cannot be made, read or written to; <see cref="UnauthorizedAccessException"/> likewise.</exception>
    public static AgentIdentity Of(string? directory)
    {
        if (directory is null) return new(RandomNumberGenerator.GetBytes(Length));
        var path = Path.Combine(Path.GetFullPath(directory), FileName);
        if (File.Exists(path) && Read(path) is { } kept) return new(kept);
        var made = RandomNumberGenerator.GetBytes(Length);
        StateFile.Replace(path, Encoding.ASCII.GetBytes(Convert.ToHexStringLower(made)));
        return new(made);
    }

    private static byte[]? Read(string path)
    {
        try
        {
            var bytes = Convert.FromHexString(File.ReadAllText(path).Trim());
            return bytes.Length == Length ? bytes : null;
        }
        catch (FormatException)
        {
            return null; // damaged: a new one does no harm
        }
    }
}
