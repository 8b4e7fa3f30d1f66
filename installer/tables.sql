-- SPDX-License-Identifier: MIT
-- What wixl 0.101 cannot say, done to the database that it made: one statement in a paragraph, in
-- the SQL of Windows Installer. package.py runs them with msibuild.

-- The system's PATH, at its end, taken out again by uninstalling.
CREATE TABLE `Environment` (`Environment` CHAR(72) NOT NULL, `Name` CHAR(255) NOT NULL LOCALIZABLE,
    `Value` CHAR(255) LOCALIZABLE, `Component_` CHAR(72) NOT NULL PRIMARY KEY `Environment`)

INSERT INTO `Environment` (`Environment`, `Name`, `Value`, `Component_`)
    VALUES ('Path', '=-*PATH', '[~];[INSTALLFOLDER]', 'Program')

-- The link in the start menu.
CREATE TABLE `IniFile` (`IniFile` CHAR(72) NOT NULL, `FileName` CHAR(255) NOT NULL LOCALIZABLE,
    `DirProperty` CHAR(72), `Section` CHAR(96) NOT NULL LOCALIZABLE,
    `Key` CHAR(128) NOT NULL LOCALIZABLE, `Value` CHAR(255) NOT NULL LOCALIZABLE,
    `Action` INT NOT NULL, `Component_` CHAR(72) NOT NULL PRIMARY KEY `IniFile`)

INSERT INTO `IniFile`
    (`IniFile`, `FileName`, `DirProperty`, `Section`, `Key`, `Value`, `Action`, `Component_`)
    VALUES ('LinkUrl', 'ldplayerd.url', 'ProgramMenuFolder', 'InternetShortcut', 'URL',
    'http://127.0.0.1:[HTTP_PORT]/', 0, 'Link')

INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`)
    VALUES ('LinkFile', 'Link', 'ldplayerd.url', 'ProgramMenuFolder', 2)

UPDATE `Component` SET `Condition` = 'ENABLE_HTTP = "1"' WHERE `Component` = 'Link'

-- The half of the user interface looks for nothing and checks nothing: each of these actions runs
-- once, and what it sets there does not reach the half that installs.
DELETE FROM `InstallUISequence` WHERE `Action` = 'FindRelatedProducts'

DELETE FROM `InstallUISequence` WHERE `Action` = 'AppSearch'

DELETE FROM `InstallUISequence` WHERE `Action` = 'LaunchConditions'

-- Nor do properties that were given where nobody is elevated: they are refused there, not dropped.
INSERT INTO `CustomAction` (`Action`, `Type`, `Target`) VALUES ('RefuseProperties', 19,
    'Properties such as HTTP_PORT or DATA_DIR can only be given in a console that was opened as administrator: run the same command there.')

INSERT INTO `InstallUISequence` (`Action`, `Condition`, `Sequence`) VALUES ('RefuseProperties',
    'NOT MsiRunningElevated AND (DATA_DIR OR HTTP_PORT OR ENABLE_HTTP OR OPERATOR OR REMOVE_DATA)', 30)

-- Within the transaction: an upgrade that fails brings the old version back. wixl puts it before.
UPDATE `InstallExecuteSequence` SET `Sequence` = 1510 WHERE `Action` = 'RemoveExistingProducts'

-- What Windows says of a program of the installation that failed: nothing of why.
INSERT INTO `Error` (`Error`, `Message`) VALUES (1722,
    'ldplayerd could not be set up (step [2]). The reason is in the file ldplayerd-setup.log in the folder Logs of Windows, and in the Application log under the source ldplayerd. What was changed is taken back.')

-- A custom action that runs when an installation is rolled back: 256 more than a deferred one.
UPDATE `CustomAction` SET `Type` = 3410 WHERE `Action` = 'RollbackConfigure'
