namespace CN2.Testing;

/// <summary>The source tree the running program was built from.</summary>
public static class Repository
{
    public static string Root { get; } = Find();

    /// <summary>The absolute path of a file or directory of the tree.</summary>
    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    private static string Find()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "CN2.Api.sln"))) return directory.FullName;
        }

        throw new InvalidOperationException("CN2.Api.sln is in no directory above the running program.");
    }
}
