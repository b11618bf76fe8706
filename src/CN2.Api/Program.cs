using CN2.Api;
using CN2.Api.Data;
using CN2.Api.Options;
using CN2.Api.Tokens;

try
{
    var verb = args.Length > 0 && !args[0].StartsWith('-') ? args[0] : "serve";
    if (verb is not ("serve" or "migrate" or "token"))
    {
        await Console.Error.WriteLineAsync($"Unknown command '{verb}'. Usage: CN2.Api [migrate | token create|list|delete] [--Setting:Name=value …]");
        return 2;
    }

    if (verb == "token") return await TokenCommand.RunAsync(args[1..], Console.Out, Console.Error, CancellationToken.None);

    var settings = args.SkipWhile(a => a == verb);
    // Migrating needs the database only: engine none makes Bgp__RouterId optional, and no agent is served.
    await using var app = ApiHost.Build(verb == "migrate" ? [.. settings, "--Bgp:Engine", "none", "--Agents:Mode", "none", "--Grpc:AllowPlain", "true"] : [.. settings]);
    var migrator = app.Services.GetRequiredService<Migrator>();
    if (verb == "migrate")
    {
        await app.Services.GetRequiredService<DatabaseCheck>().SettingsAsync(CancellationToken.None);
        await migrator.MigrateAsync(CancellationToken.None);
        return 0;
    }

    await app.RunAsync();
    return 0;
}
catch (OperationCanceledException)
{
    return 0; // stopped before it had started, for example while it waited for the database
}
catch (SettingsException e)
{
    await Console.Error.WriteLineAsync("CN2.Api does not start, its settings are wrong:");
    foreach (var fault in e.Faults) await Console.Error.WriteLineAsync($"  {fault}");
    return 1;
}
catch (UnsuitableDatabaseException e)
{
    await Console.Error.WriteLineAsync("CN2.Api does not start, its database cannot be used as it is:");
    foreach (var fault in e.Faults) await Console.Error.WriteLineAsync($"  {fault}");
    return 1;
}
catch (Exception e) when (PostgresErrors.IsAway(e) || e is IOException || e.GetBaseException() is Npgsql.PostgresException or InvalidDataException)
{
    await Console.Error.WriteLineAsync($"CN2.Api does not start: {e.GetBaseException().Message}");
    return 1;
}
