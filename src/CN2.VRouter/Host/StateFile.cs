namespace CN2.VRouter.Host;

/// <summary>Writes files of the state directory so that a power cut leaves the old content or the new one, never a part.</summary>
internal static class StateFile
{
    /// <summary>Replaces the content of a file; its directory is made if it is not there.</summary>
    /// <exception cref="IOException">It cannot be written; <see cref="UnauthorizedAccessException"/> likewise.</exception>
    /// <param name="path">The file.</param>
    /// <param name="content">All of its content.</param>
    /// <param name="mode">Who may read it; null: as the umask says.</param>
    public static void Replace(string path, ReadOnlySpan<byte> content, UnixFileMode? mode = null) => File.Move(WriteBeside(path, content, mode), path, overwrite: true);

    /// <summary>Writes a new file beside the valid one, which stays. Answers its path.</summary>
    /// <exception cref="IOException">It cannot be written; <see cref="UnauthorizedAccessException"/> likewise.</exception>
    public static string WriteBeside(string path, ReadOnlySpan<byte> content, UnixFileMode? mode = null)
    {
        var temporary = path + ".new";
        Directory.CreateDirectory(Path.GetDirectoryName(temporary)!);
        File.Delete(temporary); // one that was left would keep its mode
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (mode is { } only && !OperatingSystem.IsWindows()) options.UnixCreateMode = only;
        using var file = new FileStream(temporary, options);
        file.Write(content);
        // Without it the renamed file may be empty after a power cut.
        file.Flush(flushToDisk: true);
        return temporary;
    }
}
