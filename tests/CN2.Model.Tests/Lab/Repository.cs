namespace CN2.Model.Tests.Lab;

/// <summary>The source tree these tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "CN2.Api.sln"))) return directory.FullName;
        }

        throw new InvalidOperationException("CN2.Api.sln is in none of the directories above the tests.");
    }
}
