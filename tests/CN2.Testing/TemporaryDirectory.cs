namespace CN2.Testing;

/// <summary>A directory of this test run that every user may enter (PostgreSQL and FRR run as users of their own). It goes with the run, also when that was killed.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    private readonly bool _keep;

    /// <param name="prefix">The beginning of its name.</param>
    /// <param name="keep">Leave it behind, for reading logs.</param>
    public TemporaryDirectory(string prefix, bool keep = false)
    {
        _keep = keep;
        Path = Directory.CreateTempSubdirectory(prefix).FullName;
        Command.Run("chmod", "755", Path);
        // A second later: a server that still runs in it is stopped first.
        if (!keep) AfterProcess.Run($"sleep 1; rm -rf {Path}");
    }

    public string Path { get; }

    public void Dispose()
    {
        if (!_keep && Directory.Exists(Path)) Directory.Delete(Path, recursive: true);
    }
}
