namespace CN2.VRouter.Host;

/// <summary>Writes files of the state directory so that a power cut leaves the old content or the new one, never a part.</summary>
internal static class StateFile
{
    /// <summary>Replaces the content of a file; its directory is made if it is not there.</summary>
    /// <exception cref="IOException">It cannot be written; <see cref="UnauthorizedAccessException"/> likewise.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> content) => File.Move(WriteBeside(path, content), path, overwrite: true);

    /// <summary>Writes a new file beside the valid one, which stays. Answers its path.</summary>
    /// <exception cref="IOException">It cannot be written; <see cref="UnauthorizedAccessException"/> likewise.</exception>
    public static string WriteBeside(string path, ReadOnlySpan<byte> content)
    {
        var temporary = path + ".new";
        Directory.CreateDirectory(Path.GetDirectoryName(temporary)!);
        using var file = new FileStream(temporary, FileMode.Create, FileAccess.Write);
        file.Write(content);
        // Without it the renamed file may be empty after a power cut.
        file.Flush(flushToDisk: true);
        return temporary;
    }
}
