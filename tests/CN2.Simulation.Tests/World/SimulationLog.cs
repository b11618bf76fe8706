using Microsoft.Extensions.Logging;

namespace CN2.Simulation.Tests.World;

/// <summary>Writes what a control node logs into the trace.</summary>
internal sealed class SimulationLog(Trace trace, string controlNode) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new Logger(trace, $"{controlNode} {categoryName[(categoryName.LastIndexOf('.') + 1)..]}");

    public void Dispose()
    {
    }

    private sealed class Logger(Trace trace, string source) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => trace.IsOn && logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) trace.Add($"{source}: {formatter(state, exception)}{(exception is null ? "" : $" ({exception.GetType().Name}: {exception.Message})")}");
        }
    }
}
