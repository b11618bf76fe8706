namespace CN2.Api.Options;

/// <summary>The text of a file that a setting names, or why it cannot be read as the end of "NAME is 'VALUE': expected …".</summary>
internal static class ReadableFile
{
    public static (string? Text, string? Fault) Read(string path)
    {
        try
        {
            return (File.ReadAllText(path), null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            var reason = e switch
            {
                FileNotFoundException or DirectoryNotFoundException => "it does not exist",
                UnauthorizedAccessException when Directory.Exists(path) => "it is a directory",
                UnauthorizedAccessException => "this process may not read it",
                _ => e.Message.TrimEnd('.'),
            };
            return (null, $"a file that can be read ({reason})");
        }
    }
}
