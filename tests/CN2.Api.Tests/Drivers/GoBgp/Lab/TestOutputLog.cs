using System.Globalization;
using Microsoft.Extensions.Logging;

namespace CN2.Api.Tests.Drivers.GoBgp.Lab;

/// <summary>Writes what a part logs to the output of the test that runs, with the time: xunit shows it when the test fails.</summary>
internal sealed class TestOutputLog<T> : ILogger<T>
{
    private readonly ITestOutputHelper? _output = TestContext.Current.TestOutputHelper;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            _output?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:HH:mm:ss.fff} {formatter(state, exception)}"));
        }
        catch (InvalidOperationException)
        {
            // The test is over.
        }
    }
}
